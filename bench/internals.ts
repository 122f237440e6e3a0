/** What the build itself, benches and tests use of its inside. Built with it and not published. */
export { configSchema } from '../src/cli/input/config-schema.ts'
export { LogEntry } from '../src/events/log-entry.ts'
export { encode } from '../src/sse/encode.ts'
export { createEventBody } from '../src/sse/response-body.ts'
export { loadDriver } from '../src/store/sqlite/driver.ts'
export { openStore } from '../src/store/sqlite/open-store.ts'
export { MIGRATIONS } from '../src/store/sqlite/schema.ts'
export { EventLog } from '../src/log/event-log.ts'
