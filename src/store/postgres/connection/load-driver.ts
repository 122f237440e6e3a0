import type pg from 'pg'
import { DagstreamError } from '../../../errors.ts'

/** The part of the package `pg` that the store uses. */
export type PostgresDriver = Pick<typeof pg, 'Client' | 'Pool' | 'Query'>

/** Loads the package `pg`, an optional peer. @throws `STORE_FAILED` that says what to install */
export async function loadDriver(): Promise<PostgresDriver> {
  try {
    // Before 8.15 its default is all that it exports.
    return (await import('pg')).default
  } catch (cause) {
    const message = 'A store in PostgreSQL needs the package `pg`: run `npm install pg`'
    throw new DagstreamError('STORE_FAILED', message, { cause })
  }
}
