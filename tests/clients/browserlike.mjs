/* What browsers have and Node.js came to have only later: `node --import ./browserlike.mjs`. */
import WebSocket from "ws";

globalThis.WebSocket ??= WebSocket;
