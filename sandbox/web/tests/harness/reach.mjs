// Whether everybody can read and press what is shown.

import { createRequire } from "node:module";
import { readFileSync } from "node:fs";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/** A thumb's width (Apple's Human Interface Guidelines; WCAG 2.5.5), and the least of WCAG 2.5.8. In pixels. */
const THUMB = 44;
const LEAST = 24;

/** Violations that keep somebody out. */
export async function violations(page, where) {
  if (!(await page.raw.evaluate(() => "axe" in window))) await page.raw.evaluate(AXE);
  const found = await page.raw.evaluate(async () => {
    const { violations } = await window.axe.run(document, { resultTypes: ["violations"] });
    return violations.filter((one) => ["serious", "critical"].includes(one.impact)).map((one) => `${one.id}: ${one.nodes.map((node) => `${node.html.slice(0, 160)} ${node.any[0]?.message ?? ""}`).slice(0, 3).join("\n   ")}`);
  });
  return found.map((one) => `${where}: ${one}`);
}

/** What can be pressed and is too small for a thumb. */
export async function tooSmall(page, where) {
  const found = await page.raw.evaluate(
    ([thumb, least]) => {
      const scope = document.querySelector("dialog[open]") ?? document;
      const all = [...scope.querySelectorAll("button, a[href], input, select, textarea, [role=option], [role=switch]")];
      const wrong = [];
      for (const one of all) {
        // A field without a face is pressed by its label.
        const target = one.matches("input[type=file], input[type=checkbox]") ? (one.closest("label") ?? one) : one;
        const box = target.getBoundingClientRect();
        if (!target.checkVisibility() || box.width === 0 || box.right <= 0 || box.left >= innerWidth) continue;
        const style = getComputedStyle(target);
        // Within a line of text: links, names, and the few words beside an error (WCAG 2.5.8, "Inline").
        const inline = style.display === "inline" || (style.display === "inline-block" && target.closest("p, .content"));
        const bound = inline ? 0 : target.closest("p[role=alert]") ? least : thumb;
        if (box.height < bound - 0.5 || box.width < bound - 0.5) wrong.push(`${target.localName} "${(target.ariaLabel ?? target.innerText ?? "").slice(0, 40)}" ${Math.round(box.width)}×${Math.round(box.height)}`);
      }
      return [...new Set(wrong)];
    },
    [THUMB, LEAST],
  );
  return found.map((one) => `${where}: ${one}`);
}
