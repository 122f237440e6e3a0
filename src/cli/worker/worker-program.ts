import { type Command, Option } from 'commander'
import { collectPattern, parseCount, parsePositiveInteger } from '../input/option-values.ts'
import type { CommandContext, ExitCode } from '../process/console.ts'
import { LOG_LEVELS } from '../process/server-log.ts'
import { mcpOption, toolsOption } from '../commands/program-options.ts'

/** Adds the command `worker`. @param setCode receives its exit code */
export function addWorkerCommand(program: Command, context: CommandContext, setCode: (code: ExitCode) => void): void {
  program
    .command('worker')
    .description('Run tasks of the servers on a shared store')
    .requiredOption('--store <url>', 'the store of the servers: postgres://…')
    .option('--queue <url>', 'the queue of the servers: redis://…')
    .addOption(toolsOption())
    .addOption(mcpOption())
    .option('--concurrency <n>', 'maximum number of concurrent tasks (default: 64)', parsePositiveInteger)
    .option('--only <pattern>', "run only these tools, such as 'llm:*' (repeatable)", collectPattern)
    .addOption(
      new Option('--lease <ms>', 'time until the tasks of a dead worker run elsewhere')
        .argParser(parsePositiveInteger)
        .default(10_000),
    )
    .addOption(
      new Option('--drain <ms>', 'time for running tasks to end at shutdown').argParser(parseCount).default(10_000),
    )
    .addOption(new Option('--log-level <level>', 'minimum level of log lines').choices(LOG_LEVELS).default('info'))
    .action(async options => {
      const { workerCommand } = await import('./worker-command.ts')
      setCode(await workerCommand(options, context))
    })
}
