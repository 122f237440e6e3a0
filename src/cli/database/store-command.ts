import { type CommandContext, type ExitCode, UsageError } from '../process/console.ts'
import { describeStore, isSharedUrl } from '../target/shared-store.ts'

/** Migrates a database to the version of this dagstream. */
export async function migrateStore(url: string, { stderr }: CommandContext): Promise<ExitCode> {
  const { migratePostgresStore } = await import('../../store/postgres/migrate.ts')
  const { found, newest, made } = await migratePostgresStore(expectDatabase(url))
  const where = describeStore(url)
  for (const [at, title] of made.entries()) await stderr.write(`Version ${found + at + 1}: ${title}\n`)
  const shown = made.length === 0 ? 'has nothing to migrate' : 'is migrated'
  await stderr.write(`${where} ${shown}: version ${Math.max(found, newest)}\n`)
  return 0
}

/** Checks that servers and workers of this version can open a database. */
export async function checkStore(url: string, { stderr }: CommandContext): Promise<ExitCode> {
  const { checkPostgresStore } = await import('../../store/postgres/migrate.ts')
  const { found, newest } = await checkPostgresStore(expectDatabase(url))
  const shown = found > newest ? `, made by a newer dagstream, which this one of version ${newest} works with` : ''
  await stderr.write(`${describeStore(url)} is ready: version ${found}${shown}\n`)
  return 0
}

function expectDatabase(url: string): string {
  if (isSharedUrl(url)) return url
  throw new UsageError(
    'Expected a URL such as postgres://user@host:5432/database: a file is migrated when it is opened',
  )
}
