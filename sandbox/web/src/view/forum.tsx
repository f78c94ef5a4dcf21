// A forum: its posts, with their tags, the latest first.

import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import type { Channel } from "../discord/types.ts";
import { titleOf } from "../state/people.ts";
import { go, inSight, pathTo } from "../state/place.ts";
import { isUnread, markRead } from "../state/reading.ts";
import type { Session } from "../state/session.ts";
import { learn, threadsOf } from "../state/world.ts";
import { timeOf } from "../discord/snowflake.ts";
import { Ticking } from "./bits.tsx";
import { relative } from "./time.ts";

/** Posts that are drawn at once; more at a press. */
const PAGE = 50;

export function Forum({ session, channel }: { session: Session; channel: Channel }) {
  const tag = useSignal("");
  const shown = useSignal(PAGE);
  const tags = channel.available_tags ?? [];
  const seen = inSight();
  useEffect(() => {
    if (seen) markRead(channel.id, channel.last_message_id);
  }, [channel.id, seen]);
  useEffect(() => {
    session.rest
      .get<{ threads: Channel[] }>(`/channels/${channel.id}/threads/archived/public?limit=100`)
      .then((found) => learn(found.threads), () => {});
  }, [session, channel.id]);
  const posts = threadsOf(channel.id).filter((post) => !tag.value || post.applied_tags?.includes(tag.value));
  const open = posts.filter((post) => !post.thread_metadata?.archived);
  const old = posts.filter((post) => post.thread_metadata?.archived);
  const all = [...open, ...old];
  return (
    <div class="scroller forum" tabIndex={0} role="region" aria-label={`Posts in ${titleOf(channel)}`}>
      {channel.topic && <p class="quiet topic">{channel.topic}</p>}
      {tags.length > 0 && (
        <div class="tags" role="group" aria-label="Only posts with a tag">
          {tags.map((it) => (
            <button key={it.id} type="button" class="tag-button" aria-pressed={tag.value === it.id} onClick={() => (tag.value = tag.value === it.id ? "" : it.id)}>
              {it.emoji_name} {it.name}
            </button>
          ))}
        </div>
      )}
      {!all.length && <p class="quiet">{tag.value ? "No post has this tag." : "There is no post yet."}</p>}
      <ul class="posts">
        {all.slice(0, shown.value).map((post) => (
          <Post key={post.id} post={post} forum={channel} />
        ))}
      </ul>
      {all.length > shown.value && (
        <button type="button" class="button secondary" onClick={() => (shown.value += PAGE)}>
          Show more
        </button>
      )}
    </div>
  );
}

function Post({ post, forum }: { post: Channel; forum: Channel }) {
  const at = timeOf(post.last_message_id ?? post.id);
  const tags = (forum.available_tags ?? []).filter((it) => post.applied_tags?.includes(it.id));
  return (
    <li>
      <a
        class={`post${isUnread(post) ? " unread" : ""}`}
        href={pathTo(post)}
        onClick={(event) => {
          if (event.ctrlKey || event.metaKey) return;
          event.preventDefault();
          go(post);
        }}
      >
        <span class="post-title">{titleOf(post)}</span>
        <span class="post-line quiet">
          {tags.map((it) => (
            <span key={it.id} class="post-tag">
              {it.emoji_name} {it.name}
            </span>
          ))}
          {post.thread_metadata?.archived && <span class="post-tag">archived</span>}
          <span>{post.message_count ?? 0} messages</span>
          <Ticking at={at} text={(now) => relative(Math.min(at, now), now)} />
        </span>
      </a>
    </li>
  );
}
