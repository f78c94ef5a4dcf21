-- Why: Supabase brings three roles and ClawdOS expects two functions that one of its own files forgets to
-- create (set_updated_at: without it five of its 39 migrations fail). A plain Postgres has none of them.
-- Roles belong to the whole server, so a role that may not create them goes on without: its tables are then
-- open to their owner alone. Functions that exist are kept as they are, whatever is in them.

SELECT bridge.ensure_role('anon', 'NOLOGIN NOINHERIT');
SELECT bridge.ensure_role('authenticated', 'NOLOGIN NOINHERIT');
SELECT bridge.ensure_role('service_role', 'NOLOGIN NOINHERIT BYPASSRLS');

DO $$
BEGIN
    IF to_regprocedure('public.update_updated_at_column()') IS NULL THEN
        CREATE FUNCTION public.update_updated_at_column() RETURNS trigger
        LANGUAGE plpgsql SET search_path = '' AS $body$
        BEGIN
            NEW.updated_at = now();
            RETURN NEW;
        END
        $body$;
    END IF;
    IF to_regprocedure('public.set_updated_at()') IS NULL THEN
        CREATE FUNCTION public.set_updated_at() RETURNS trigger
        LANGUAGE plpgsql SET search_path = '' AS $body$
        BEGIN
            NEW.updated_at = now();
            RETURN NEW;
        END
        $body$;
    END IF;
END
$$;
