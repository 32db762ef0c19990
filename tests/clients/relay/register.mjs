/* Lets Node.js run programs written for Relay as they are: `node --import ./relay/register.mjs relay/jobs.js`. */
import { register } from "node:module";

register("./hooks.mjs", import.meta.url);
