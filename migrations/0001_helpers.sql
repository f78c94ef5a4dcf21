-- Why: one set of migrations has to be right on an empty Postgres and on every ClawdOS database that
-- already exists, none of which are quite alike. Each helper looks in the catalogs first and changes
-- only what is missing, so an up-to-date database is not even locked, and running a file a second
-- time, with or without sqlx's bookkeeping, changes nothing.
--
-- The rule they all keep: nothing of theirs is dropped or rewritten. What an existing database refuses
-- (rows that break a new constraint, a table somebody else owns) is left out and said in a NOTICE. The one
-- exception is a column that the bridge needs: going on without it would only fail later and less clearly.

DO $$
BEGIN
    -- Not IF NOT EXISTS: that asks for CREATE on the database even where the schema is there already.
    IF to_regnamespace('bridge') IS NULL THEN
        CREATE SCHEMA bridge;
    END IF;
END
$$;

CREATE OR REPLACE FUNCTION bridge.attempt(what text, statement text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
    EXECUTE statement;
EXCEPTION
    WHEN insufficient_privilege OR unique_violation OR foreign_key_violation OR check_violation
        OR duplicate_object OR duplicate_table OR undefined_column OR invalid_foreign_key
        OR datatype_mismatch OR wrong_object_type OR invalid_parameter_value OR feature_not_supported THEN
        RAISE NOTICE 'left out: % (%)', what, SQLERRM;
END
$$;

CREATE OR REPLACE FUNCTION bridge.ensure_role(role_name text, options text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
    IF to_regrole(quote_ident(role_name)) IS NULL THEN
        PERFORM bridge.attempt(format('role %s', role_name), format('CREATE ROLE %I %s', role_name, options));
    END IF;
END
$$;

-- Each definition is "name type [DEFAULT …]": columns that ClawdOS, or the bridge, added to a table later.
CREATE OR REPLACE FUNCTION bridge.ensure_columns(table_name text, VARIADIC definitions text[]) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog AS $$
DECLARE
    table_id regclass := format('public.%I', table_name)::regclass;
    definition text;
BEGIN
    FOREACH definition IN ARRAY definitions LOOP
        IF NOT EXISTS (
            SELECT FROM pg_attribute
            WHERE attrelid = table_id AND attname = split_part(definition, ' ', 1) AND NOT attisdropped
        ) THEN
            EXECUTE format('ALTER TABLE %s ADD COLUMN %s', table_id, definition);
        END IF;
    END LOOP;
END
$$;

CREATE OR REPLACE FUNCTION bridge.ensure_index(table_name text, index_name text, definition text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
    IF to_regclass(format('public.%I', index_name)) IS NULL THEN
        PERFORM bridge.attempt(
            format('index %s', index_name),
            format('CREATE INDEX %I ON public.%I %s', index_name, table_name, definition));
    END IF;
END
$$;

-- Any full unique index on exactly these columns counts, whatever its name: ON CONFLICT only looks at columns.
CREATE OR REPLACE FUNCTION bridge.ensure_unique(
    table_name text, unique_name text, column_names text[], as_constraint boolean DEFAULT true
) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog AS $$
DECLARE
    table_id regclass := format('public.%I', table_name)::regclass;
    column_list text := (SELECT string_agg(quote_ident(name), ', ') FROM unnest(column_names) AS name);
BEGIN
    IF NOT EXISTS (
        SELECT FROM pg_index
        WHERE indrelid = table_id AND indisunique AND indisvalid AND indpred IS NULL AND indexprs IS NULL
            AND (SELECT array_agg(attname::text ORDER BY attname) FROM pg_attribute
                 WHERE attrelid = table_id AND attnum = ANY ((indkey::int2[])[0:indnkeyatts - 1]))
                = (SELECT array_agg(name ORDER BY name::name) FROM unnest(column_names) AS name)
    ) THEN
        PERFORM bridge.attempt(
            format('unique (%s) on %s', column_list, table_name),
            CASE WHEN as_constraint
                THEN format('ALTER TABLE %s ADD CONSTRAINT %I UNIQUE (%s)', table_id, unique_name, column_list)
                ELSE format('CREATE UNIQUE INDEX %I ON %s (%s)', unique_name, table_id, column_list)
            END);
    END IF;
END
$$;

CREATE OR REPLACE FUNCTION bridge.ensure_foreign_key(
    table_name text, column_name text, referenced_table text, on_delete text
) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog AS $$
DECLARE
    table_id regclass := format('public.%I', table_name)::regclass;
BEGIN
    IF NOT EXISTS (
        SELECT FROM pg_constraint
        JOIN pg_attribute ON attrelid = conrelid AND attname = column_name
        WHERE conrelid = table_id AND contype = 'f' AND conkey = ARRAY[attnum]
            AND confrelid = format('public.%I', referenced_table)::regclass
    ) THEN
        PERFORM bridge.attempt(
            format('foreign key from %s.%s to %s', table_name, column_name, referenced_table),
            format('ALTER TABLE %s ADD CONSTRAINT %I FOREIGN KEY (%I) REFERENCES public.%I (id) ON DELETE %s',
                table_id, format('%s_%s_fkey', table_name, column_name), column_name, referenced_table, on_delete));
    END IF;
END
$$;

-- ClawdOS has two functions that do the same; a table served by either one needs no second trigger.
CREATE OR REPLACE FUNCTION bridge.ensure_updated_at(table_name text, trigger_name text, function_name text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog AS $$
DECLARE
    table_id regclass := format('public.%I', table_name)::regclass;
BEGIN
    IF NOT EXISTS (
        SELECT FROM pg_trigger
        JOIN pg_proc ON pg_proc.oid = tgfoid
        WHERE tgrelid = table_id AND NOT tgisinternal
            AND (tgname = trigger_name OR proname IN ('set_updated_at', 'update_updated_at_column'))
    ) THEN
        PERFORM bridge.attempt(
            format('trigger %s', trigger_name),
            format('CREATE TRIGGER %I BEFORE UPDATE ON %s FOR EACH ROW EXECUTE FUNCTION public.%I()',
                trigger_name, table_id, function_name));
    END IF;
END
$$;

-- A policy of theirs that covers the command is kept, however narrow: it was a decision.
CREATE OR REPLACE FUNCTION bridge.ensure_policy(table_name text, role_name text, command text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog AS $$
DECLARE
    table_id regclass := format('public.%I', table_name)::regclass;
    audience oid[] := CASE WHEN role_name = 'public'
        THEN ARRAY[0::oid, to_regrole('anon')::oid] ELSE ARRAY[0::oid, to_regrole(role_name)::oid] END;
    command_code "char" := CASE command
        WHEN 'SELECT' THEN 'r' WHEN 'INSERT' THEN 'a' WHEN 'UPDATE' THEN 'w' WHEN 'DELETE' THEN 'd' ELSE '*' END;
BEGIN
    IF NOT EXISTS (
        SELECT FROM pg_policy
        WHERE polrelid = table_id AND polpermissive AND polcmd IN (command_code, '*') AND polroles && audience
    ) THEN
        PERFORM bridge.attempt(
            format('policy for %s on %s', command, table_name),
            format('CREATE POLICY %I ON %s FOR %s TO %s%s%s',
                format('%s_%s_%s', table_name, lower(command), CASE role_name WHEN 'public' THEN 'anon' ELSE role_name END),
                table_id, command, CASE role_name WHEN 'public' THEN 'public' ELSE quote_ident(role_name) END,
                CASE WHEN command = 'INSERT' THEN '' ELSE ' USING (true)' END,
                CASE WHEN command IN ('SELECT', 'DELETE') THEN '' ELSE ' WITH CHECK (true)' END));
    END IF;
END
$$;

-- For a table that was created just now, never for one that was there: who may read an existing table is its
-- owner's decision. Grants are Supabase's own defaults, which a plain Postgres lacks; the policies decide.
CREATE OR REPLACE FUNCTION bridge.open_table(table_name text, role_name text, commands text[]) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog AS $$
DECLARE
    table_id regclass := format('public.%I', table_name)::regclass;
    name text;
BEGIN
    EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', table_id);
    IF role_name <> 'public' AND to_regrole(role_name) IS NULL THEN
        RAISE NOTICE 'left out: policies on % (the role % does not exist, so it is open to its owner alone)', table_name, role_name;
    ELSE
        FOREACH name IN ARRAY commands LOOP
            PERFORM bridge.ensure_policy(table_name, role_name, name);
        END LOOP;
    END IF;
    FOREACH name IN ARRAY ARRAY['anon', 'authenticated', 'service_role'] LOOP
        IF to_regrole(name) IS NOT NULL THEN
            EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %s TO %I', table_id, name);
        END IF;
    END LOOP;
END
$$;

-- Without a replica identity a published table would make its writers' UPDATE and DELETE fail.
CREATE OR REPLACE FUNCTION bridge.ensure_published(table_name text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog AS $$
DECLARE
    table_id regclass := format('public.%I', table_name)::regclass;
BEGIN
    IF NOT EXISTS (SELECT FROM pg_publication WHERE pubname = 'supabase_realtime')
        OR EXISTS (
            SELECT FROM pg_publication_tables
            WHERE pubname = 'supabase_realtime' AND schemaname = 'public' AND tablename = table_name
        ) THEN
        RETURN;
    END IF;
    IF NOT EXISTS (SELECT FROM pg_index WHERE indrelid = table_id AND (indisprimary OR indisreplident))
        AND (SELECT relreplident FROM pg_class WHERE oid = table_id) <> 'f' THEN
        RAISE NOTICE 'left out: publishing % (it has no primary key)', table_name;
        RETURN;
    END IF;
    PERFORM bridge.attempt(
        format('publishing %s', table_name),
        format('ALTER PUBLICATION supabase_realtime ADD TABLE %s', table_id));
END
$$;
