// Bundles the page into dist/, which is committed: `cargo build` needs no Node.
//   npm run build    writes dist/
//   npm run watch    writes it again at every change
//   node build.mjs --check    fails if dist/ is not what the source makes
import { readFile, writeFile, mkdir } from "node:fs/promises";
import { basename } from "node:path";
import * as esbuild from "esbuild";

const here = (path) => new URL(path, import.meta.url).pathname;

const options = {
  entryPoints: { app: here("src/main.tsx") },
  outdir: here("dist"),
  bundle: true,
  format: "esm",
  target: ["chrome123", "firefox120", "safari17.5"],
  jsx: "automatic",
  jsxImportSource: "preact",
  minify: true,
  charset: "utf8",
  // Licences of what is bundled stay with it.
  legalComments: "eof",
  logLevel: "warning",
};

async function built() {
  const result = await esbuild.build({ ...options, write: false });
  const files = result.outputFiles.map((file) => [basename(file.path), file.contents]);
  for (const name of ["index.html", "icon.svg"]) {
    files.push([name, await readFile(here(`src/${name}`))]);
  }
  return files;
}

const mode = process.argv[2];
if (mode === "--watch") {
  const context = await esbuild.context(options);
  await context.watch();
} else if (mode === "--check") {
  for (const [name, wanted] of await built()) {
    const found = await readFile(here(`dist/${name}`)).catch(() => Buffer.alloc(0));
    if (!found.equals(wanted)) {
      console.error(`dist/${name} is not what the source makes. Run: npm run build`);
      process.exitCode = 1;
    }
  }
} else {
  await mkdir(here("dist"), { recursive: true });
  for (const [name, contents] of await built()) {
    await writeFile(here(`dist/${name}`), contents);
    console.log(`dist/${name}  ${(contents.length / 1024).toFixed(1)} kB`);
  }
}
