import type { Command } from 'commander'
import type { CommandContext, ExitCode } from '../process/console.ts'

/** Adds `store` and its commands. @param ended receives the exit code */
export function addStoreCommands(program: Command, context: CommandContext, ended: (code: ExitCode) => void): void {
  const load = (): Promise<typeof import('./store-command.ts')> => import('./store-command.ts')
  const store = program.command('store').description('Prepare a database for servers and workers')
  store
    .command('migrate')
    .description('Make or update the tables of a database')
    .argument('<url>', 'such as postgres://user@host:5432/database')
    .action(async url => ended(await (await load()).migrateStore(url, context)))
  store
    .command('check')
    .description('Check that this version can use a database')
    .argument('<url>', 'such as postgres://user@host:5432/database')
    .action(async url => ended(await (await load()).checkStore(url, context)))
}
