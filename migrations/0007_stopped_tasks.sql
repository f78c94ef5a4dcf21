-- Why: ClawdOS's API and dashboard stop a task by setting its status to 'stopped', which its own CHECK refuses
-- (HTTP 500). The CHECK is widened by exactly that word: what it allowed before, in this database, stays allowed.
-- It is the only thing of theirs that is ever replaced, and only where it refuses 'stopped'. Added NOT VALID and
-- then validated, so that rows which already broke the old one do not stop the migration. Where the table is not
-- ours to alter, the bridge stops a task by blocking it with the reason.

DO $$
DECLARE
    status_check record;
    allowed boolean;
BEGIN
    FOR status_check IN
        SELECT quote_ident(conname) AS name, pg_get_expr(conbin, conrelid) AS expression
        FROM pg_constraint
        JOIN pg_attribute ON attrelid = conrelid AND attname = 'status'
        WHERE conrelid = 'public.tasks'::regclass AND contype = 'c' AND conkey = ARRAY[attnum]
            AND atttypid IN ('text'::regtype, 'varchar'::regtype)
    LOOP
        -- Asking the expression is safer than reading it: it can be spelled in many ways.
        EXECUTE format('SELECT %s FROM (SELECT ''stopped''::text AS status) AS tasks', status_check.expression)
            INTO allowed;
        IF allowed IS FALSE THEN
            PERFORM bridge.attempt('status ''stopped'' on tasks', format(
                'ALTER TABLE public.tasks DROP CONSTRAINT %s, ADD CONSTRAINT %s CHECK ((%s) OR status = ''stopped'') NOT VALID',
                status_check.name, status_check.name, status_check.expression));
            PERFORM bridge.attempt('validation of the status check on tasks', format(
                'ALTER TABLE public.tasks VALIDATE CONSTRAINT %s', status_check.name));
        END IF;
    END LOOP;
END
$$;
