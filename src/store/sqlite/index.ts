export { openSqliteStore } from './open-store.ts'
export type { SqliteStore } from './sqlite-store.ts'
export type { Durability, SqliteStoreOptions } from './store-options.ts'
