// The public entry of `dagstream/http/node`; nothing inside imports it.
export { createListener, type Fetcher, type Listener } from './listener.ts'
export { DEFAULT_PORT } from './serve-bounds.ts'
export { type NodeServer, type ServeOptions, serve } from './serve.ts'
