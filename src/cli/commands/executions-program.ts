import { type Command, Option } from 'commander'
import { SHOWN_STATUSES } from '../../host/listing/list-filter.ts'
import type { CommandContext, ExitCode } from '../process/console.ts'
import { DEFAULT_STORE } from '../target/default-store.ts'
import { parsePositiveInteger, parseSince } from '../input/option-values.ts'
import { mcpOption, resultOption, serverOption, tokenOption, toolsOption } from './program-options.ts'

/** Adds `executions` and its commands. @param ended receives the exit code */
export function addExecutionsCommands(
  program: Command,
  context: CommandContext,
  ended: (code: ExitCode) => void,
): void {
  const load = (): Promise<typeof import('./executions-command.ts')> => import('./executions-command.ts')
  const executions = program.command('executions').description('Look at executions that are kept, and deal with them')
  const command = (name: string, description: string): Command =>
    executions
      .command(name)
      .description(description)
      .addOption(storeOption().conflicts('server'))
      .addOption(serverOption('those of this server'))
      .addOption(tokenOption())

  command('list', 'List them, the newest first')
    .addOption(new Option('--limit <n>', 'how many').argParser(parsePositiveInteger).default(20))
    .addOption(new Option('--status <status>', 'only those that stand so').choices(SHOWN_STATUSES))
    .option('--name <name>', 'only those of workflows with this name')
    .option('--since <time>', 'only those created then or later: ISO 8601, or ms since 1970', parseSince)
    .option('--json', 'print them as JSON')
    .action(async options => ended(await (await load()).listExecutions(options, context)))
  command('show', 'Show how one stands, task by task')
    .argument('<id>', 'the id of the execution')
    .option('--json', 'print {executionId, status, result} as JSON')
    .action(async (id, options) => ended(await (await load()).showExecution(id, options, context)))
  command('inputs', 'List the open questions to people, of one execution or of all')
    .argument('[id]', 'the id of the execution')
    .option('--json', 'print them as JSON')
    .action(async (id, options) => {
      const { listInputs } = await import('./executions-inputs.ts')
      ended(await listInputs(id, options, context))
    })
  command('answer', 'Answer an open question, or decline it')
    .argument('<id>', 'the id of the execution')
    .argument('<input>', 'the id of the question')
    .argument('[json]', 'the answer as JSON; true or false for an approval')
    .option('--decline', 'decline it')
    .action(async (id, input, json, options) => {
      const { answerInput } = await import('./executions-inputs.ts')
      ended(await answerInput(id, input, json, options, context))
    })
  command('cancel', 'End one that runs, or was left unfinished')
    .argument('<id>', 'the id of the execution')
    .option('--json', 'print {executionId, status} as JSON')
    .action(async (id, options) => ended(await (await load()).cancelExecution(id, options, context)))
  command('delete', 'Remove one that has ended, or is parked')
    .argument('<id>', 'the id of the execution')
    .action(async (id, options) => ended(await (await load()).deleteExecution(id, options, context)))
  command('resume', 'Go on with one that its process left unfinished')
    .argument('<id>', 'the id of the execution')
    .addOption(toolsOption().conflicts('server'))
    .addOption(mcpOption().conflicts('server'))
    .addOption(resultOption())
    .option('--sse', 'print the events as Server-Sent Events on stdout')
    .action(async (id, options) => {
      const { resumeExecution } = await import('./executions-resume.ts')
      ended(await resumeExecution(id, options, context))
    })
  command('export', 'Print one, or all, as lines of JSON: what was asked for, then each event')
    .argument('[id]', 'the id of the execution')
    .action(async (id, options) => ended(await (await load()).exportExecutions(id, options, context)))
  executions
    .command('backup')
    .description('Copy the store into a new file, also while a server writes it')
    .argument('<file>', 'the file that is made')
    .addOption(storeOption())
    .action(async (file, options) => ended(await (await load()).backUpStore(file, options, context)))
}

function storeOption(): Option {
  return new Option('--store <file>', `the file that they are kept in (default: ${DEFAULT_STORE}, if it is here)`)
}
