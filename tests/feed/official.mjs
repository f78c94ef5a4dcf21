// The official client, told to subscribe as the bridge does. Prints what it is told, a line each.
import { createClient } from '@supabase/supabase-js';
import WebSocket from 'ws';

const [url, key, renewed, project, ...tables] = process.argv.slice(2);
// The test holds the other end: this ends with it, however it ends.
process.stdin.on('end', () => process.exit()).resume();
const say = (what, value) => console.log(JSON.stringify([what, value]));

const client = createClient(url, key, {
  auth: { persistSession: false, autoRefreshToken: false },
  realtime: { transport: WebSocket, heartbeatIntervalMs: 200 },
});
// Without this the token is sent a moment after the first join; the server takes the key meanwhile.
await client.realtime.setAuth();
for (const table of tables) {
  const of = { schema: 'public', table };
  const told = ({ eventType, table, new: row, old }) => say('change', [eventType, table, row.id ?? old.id]);
  client
    .channel(`clawdos-bridge:${table}`)
    .on('postgres_changes', { event: '*', ...of, filter: `project_id=eq.${project}` }, told)
    .on('postgres_changes', { event: 'DELETE', ...of }, (it) => say('deleted', [it.table, it.old.id]))
    .on('system', {}, ({ extension, status, message }) => say('system', [table, extension, status, message]))
    .subscribe((status, error) => {
      say('status', [table, status, error?.message ?? null]);
      if (status === 'SUBSCRIBED') client.realtime.setAuth(renewed);
    });
}
