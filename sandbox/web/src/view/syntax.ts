// Discord's markdown, as a tree. The parser is a library's; two of its rules are replaced, since one
// takes seconds for "[a](" a thousand times, and there was none for lists.

import { rulesExtended, SimpleMarkdown } from "discord-markdown-parser";

export interface Node {
  type: string;
  content?: string | Node[];
  [key: string]: unknown;
}

/** A masked link to the web, in linear time. */
const LINK = /^\[((?:\\[^\n]|[^[\]\\\n]){1,512})\]\(<?(https?:\/\/[^\s()<>]{1,2048}(?:\([^\s()<>]{0,512}\)[^\s()<>]{0,512}){0,8})>?(?: +"[^"\n]{0,256}")?\)/;

/** Lines that begin with a bullet or a number. */
const LIST = /^(?: {0,10}(?:[-*]|\d{1,9}\.) [^\n]+(?:\n|$))+/;
const ITEM = /^( *)([-*]|\d+\.) (.+)$/;

type Parse = (text: string, state: any) => Node[];

const order = (rule: { order: number } | undefined): number => rule?.order ?? 0;

const link = {
  order: order(rulesExtended.link),
  match: (source: string) => LINK.exec(source),
  parse: (capture: RegExpExecArray, parse: Parse, state: any) => ({
    content: parse(capture[1]!, { ...state, inLink: true }),
    target: capture[2],
  }),
};

const list = {
  order: order(rulesExtended.blockQuote),
  match(source: string, state: any) {
    const before: string = state.prevCapture?.[0] ?? "\n";
    return before.endsWith("\n") && !state.inItem ? LIST.exec(source) : null;
  },
  parse: (capture: RegExpExecArray, parse: Parse, state: any) => ({
    items: capture[0].trimEnd().split("\n").map((line) => {
      const [, indent = "", bullet = "", text = ""] = ITEM.exec(line) ?? [];
      return {
        level: Math.min(Math.floor(indent.length / 2), 4),
        bullet: bullet.length > 1 ? bullet : "•",
        content: parse(text, { ...state, inItem: true }),
      };
    }),
  }),
};

const parser = SimpleMarkdown.parserFor({ ...rulesExtended, link, list } as never);

/** The tree of a text; what the parser cannot take (thousands of stars in a row) is one plain text. */
export function tree(text: string): Node[] {
  try {
    return joined(parser(text, { inline: true, prevCapture: null }) as Node[]);
  } catch {
    return [{ type: "text", content: text }];
  }
}

/** The parser cuts texts at every sign; what belongs together is one text again. */
function joined(nodes: Node[]): Node[] {
  const out: Node[] = [];
  for (const node of nodes) {
    const last = out.at(-1);
    if (node.type === "text" && last?.type === "text") out[out.length - 1] = { ...last, content: `${last.content}${node.content}` };
    else out.push(Array.isArray(node.content) ? { ...node, content: joined(node.content) } : node);
  }
  return out;
}
