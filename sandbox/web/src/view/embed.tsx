// Embeds and files below a message.

import type { Attachment, Embed } from "../discord/types.ts";
import { Icon } from "./bits.tsx";
import { Link, Markdown } from "./markdown.tsx";
import { bytes, written } from "./time.ts";

const colour = (value: number): string => `#${value.toString(16).padStart(6, "0")}`;

export function EmbedView({ embed }: { embed: Embed }) {
  return (
    <div class="embed" style={embed.color === undefined ? undefined : { borderInlineStartColor: colour(embed.color) }}>
      {embed.thumbnail && <img class="thumbnail" src={embed.thumbnail.url} alt="" loading="lazy" />}
      {embed.author && <p class="embed-author">{embed.author.name}</p>}
      {embed.title && (
        <p class="embed-title">
          {embed.url ? <Link target={embed.url} masked label={<Markdown text={embed.title} />} words={embed.title} /> : <Markdown text={embed.title} />}
        </p>
      )}
      {embed.description && (
        <div class="embed-text">
          <Markdown text={embed.description} />
        </div>
      )}
      {!!embed.fields?.length && (
        <dl class="fields">
          {embed.fields.map((field, at) => (
            <div key={at} class={field.inline ? "field inline" : "field"}>
              <dt>
                <Markdown text={field.name} />
              </dt>
              <dd>
                <Markdown text={field.value} />
              </dd>
            </div>
          ))}
        </dl>
      )}
      {embed.image && <img class="picture" src={embed.image.url} alt="" loading="lazy" />}
      {(embed.footer || embed.timestamp) && (
        <p class="embed-footer">
          {[embed.footer?.text, embed.timestamp && written(Date.parse(embed.timestamp))].filter(Boolean).join(" • ")}
        </p>
      )}
    </div>
  );
}

/** Pictures that browsers draw and that carry no script. */
const PICTURES = new Set(["image/png", "image/jpeg", "image/gif", "image/webp"]);

export function AttachmentView({ file }: { file: Attachment }) {
  const kind = (file.content_type ?? "").split(";")[0]!;
  if (PICTURES.has(kind)) {
    return (
      <a href={file.url} target="_blank" rel="noopener noreferrer">
        <img class="picture" src={file.url} alt={file.description ?? file.filename} loading="lazy" />
      </a>
    );
  }
  return (
    <a class="file" href={file.url} target="_blank" rel="noopener noreferrer" download={file.filename}>
      <Icon name="file" />
      <span>
        <span class="file-name">{file.filename}</span>
        <span class="quiet">{bytes(file.size)}</span>
      </span>
    </a>
  );
}
