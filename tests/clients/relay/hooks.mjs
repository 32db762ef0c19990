/* What a bundler does for Relay: finds its artifacts without their extension, and runs its Babel plugin. */
import { transformAsync } from "@babel/core";

export const resolve = (specifier, context, next) =>
  next(specifier.endsWith(".graphql") ? `${specifier}.js` : specifier, context);

export async function load(url, context, next) {
  const loaded = await next(url, context);
  const text = loaded.format === "module" ? String(loaded.source) : "";
  if (!text.includes("graphql`")) return loaded;
  const plugins = [["relay", { eagerEsModules: true }]];
  const { code } = await transformAsync(text, { plugins, filename: new URL(url).pathname, configFile: false });
  return { ...loaded, source: code };
}
