-- Why: while a feature of the Labs is off, what people write in its channel is turned away and becomes no row. When it
-- is on again, reading the channel back must not make rows of it after all; and what was written before it went off, and
-- perhaps never heard, must not be lost. So the ledger keeps from when to when a channel is open. Times are the bridge's.
-- closed_at: since then messages are turned away; none while the channel is open.
-- opened_at: what was written before that is settled, one way or the other.

ALTER TABLE bridge.channel ADD COLUMN IF NOT EXISTS closed_at timestamptz;
ALTER TABLE bridge.channel ADD COLUMN IF NOT EXISTS opened_at timestamptz;
