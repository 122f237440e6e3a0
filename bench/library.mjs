import { pathToFileURL } from 'node:url'

// `DAGSTREAM_DIST` names another build of the library, to compare two of them.
const root = process.env.DAGSTREAM_DIST
  ? new URL(`${pathToFileURL(process.env.DAGSTREAM_DIST).href}/`)
  : new URL('../dist/', import.meta.url)

/** The library under measurement: a build, as users have it. */
export const { SSEStreamer, StreamingExecutor, ToolRegistry, compileWorkflow, createMemoryStore } = await import(
  new URL('index.js', root).href
)
export const { LogEntry, EventLog, createEventBody, encode, loadDriver } = await import(
  new URL('internals.js', root).href
)

/** The server part; separate, so that other benches do not load its dependencies. */
export async function loadServer() {
  const [{ createHandler }, { serve }] = await Promise.all([
    import(new URL('http/index.js', root).href),
    import(new URL('http/node/index.js', root).href),
  ])
  return { createHandler, serve }
}

/** The part of it that keeps executions in a file. */
export async function loadStore() {
  const { openSqliteStore } = await import(new URL('store/sqlite/index.js', root).href)
  return { openSqliteStore }
}

/** The part of it that keeps executions in PostgreSQL. */
export function loadPostgres() {
  return import(new URL('store/postgres/index.js', root).href)
}

/** The parts of it that run orders by a queue. */
export async function loadBullmq() {
  const [{ openBullmqDispatcher }, { runWorker }] = await Promise.all([
    import(new URL('dispatch/bullmq/index.js', root).href),
    import(new URL('worker/index.js', root).href),
  ])
  return { openBullmqDispatcher, runWorker }
}

/** The part of it that asks language models. */
export async function loadModels() {
  const { OpenRouterProvider, createChatTool } = await import(new URL('integrations/llm/index.js', root).href)
  return { OpenRouterProvider, createChatTool }
}

/** The encoders of the formats that readers may ask for. */
export async function loadFormats() {
  const { joinEntries, AiSdkEncoder, AgUiEncoder } = await import(new URL('internals.js', root).href)
  return { joinEntries, AiSdkEncoder, AgUiEncoder }
}
