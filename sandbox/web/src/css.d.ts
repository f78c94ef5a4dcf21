// esbuild makes one file of the styles that are imported.
declare module "*.css";
