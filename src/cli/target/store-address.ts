import { describeUrl, isPostgresUrl } from '../../store/postgres/connection-url.ts'

/** Whether `--store` names a database instead of a file. */
export function isDatabase(store: string): boolean {
  return isPostgresUrl(store)
}

/** The value of `--store` as it is printed: a URL without user, password and parameters. */
export function describeStore(store: string): string {
  return isDatabase(store) ? describeUrl(store) : store
}
