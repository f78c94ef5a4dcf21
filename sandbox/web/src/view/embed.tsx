// Embeds and files below a message.

import type { Attachment, Embed } from "../discord/types.ts";
import { fileAddress } from "./address.ts";
import { Icon } from "./bits.tsx";
import { Link, Markdown } from "./markdown.tsx";
import { bytes, written } from "./time.ts";

/** The colour of the bar; none for what is no colour. */
function bar(value: unknown) {
  const known = Number.isInteger(value) && Number(value) >= 0 && Number(value) <= 0xffffff;
  return known ? { borderInlineStartColor: `#${Number(value).toString(16).padStart(6, "0")}` } : undefined;
}

export function EmbedView({ embed }: { embed: Embed }) {
  return (
    <div class="embed" style={bar(embed.color)}>
      {embed.thumbnail && <img class="thumbnail" src={fileAddress(embed.thumbnail.url)} alt="" loading="lazy" />}
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
      {embed.image && <img class="picture" src={fileAddress(embed.image.url)} alt="" loading="lazy" />}
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
  const url = fileAddress(file.url);
  const kind = (file.content_type ?? "").split(";")[0]!;
  if (PICTURES.has(kind)) {
    return (
      <a href={url} target="_blank" rel="noopener noreferrer">
        <img class="picture" src={url} alt={file.description ?? file.filename} loading="lazy" />
      </a>
    );
  }
  return (
    <a class="file" href={url} target="_blank" rel="noopener noreferrer" download={file.filename}>
      <Icon name="file" />
      <span>
        <span class="file-name">{file.filename}</span>
        <span class="quiet">{bytes(file.size)}</span>
      </span>
    </a>
  );
}
