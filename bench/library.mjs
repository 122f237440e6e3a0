import { pathToFileURL } from 'node:url'

// `DAGSTREAM_DIST` names another build of the library, to compare two of them.
const root = process.env.DAGSTREAM_DIST
  ? new URL(`${pathToFileURL(process.env.DAGSTREAM_DIST).href}/`)
  : new URL('../dist/', import.meta.url)

/** The library under measurement: a build, as users have it. */
export const { StreamingExecutor, ToolRegistry, compileWorkflow } = await import(new URL('index.js', root).href)
export const { encode } = await import(new URL('sse/encode.js', root).href)
export const { createEventBody } = await import(new URL('sse/response-body.js', root).href)
