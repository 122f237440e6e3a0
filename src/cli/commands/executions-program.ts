import { type Command, Option } from 'commander'
import { SHOWN_STATUSES } from '../../host/listing/list-filter.ts'
import type { CommandContext, ExitCode } from '../process/console.ts'
import { DEFAULT_STORE } from '../target/default-store.ts'
import { parseCount, parsePositiveInteger, parseSince } from '../input/option-values.ts'
import { inputOption, mcpOption, resultOption, serverOption, tokenOption, toolsOption } from './program-options.ts'

/** Adds `executions` and its commands. @param ended receives the exit code */
export function addExecutionsCommands(
  program: Command,
  context: CommandContext,
  ended: (code: ExitCode) => void,
): void {
  const load = (): Promise<typeof import('./executions-command.ts')> => import('./executions-command.ts')
  const executions = program.command('executions').description('List, show and manage stored executions')
  const command = (name: string, description: string): Command =>
    executions
      .command(name)
      .description(description)
      .addOption(storeOption().conflicts('server'))
      .addOption(serverOption('use the executions of this server'))
      .addOption(tokenOption())

  command('list', 'List executions, newest first')
    .addOption(new Option('--limit <n>', 'how many').argParser(parsePositiveInteger).default(20))
    .addOption(new Option('--status <status>', 'only executions with this status').choices(SHOWN_STATUSES))
    .option('--name <name>', 'only executions of workflows with this name')
    .option('--since <time>', 'only executions created at or after this time: ISO 8601, or ms since 1970', parseSince)
    .option('--json', 'print them as JSON')
    .action(async options => ended(await (await load()).listExecutions(options, context)))
  command('show', 'Show the state of an execution and its tasks')
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
    .option('--decline', 'decline the question')
    .action(async (id, input, json, options) => {
      const { answerInput } = await import('./executions-inputs.ts')
      ended(await answerInput(id, input, json, options, context))
    })
  command('patch', 'Add, remove or replace tasks that have not started')
    .argument('<id>', 'the id of the execution')
    .option('--add <file>', 'tasks that join the document as JSON: one, or an array; - for standard input')
    .option('--remove <task>', 'the id of a task that leaves it (repeatable)', collect)
    .option('--replace <file>', 'tasks in place of those with the same ids, as for --add')
    .option('--json', 'print {executionId, totalTasks} as JSON')
    .action(async (id, options) => {
      const { patchExecutionCommand } = await import('../plan/patch-command.ts')
      ended(await patchExecutionCommand(id, options, context))
    })
  command('cancel', 'Cancel a running or unfinished execution')
    .argument('<id>', 'the id of the execution')
    .option('--json', 'print {executionId, status} as JSON')
    .action(async (id, options) => ended(await (await load()).cancelExecution(id, options, context)))
  command('delete', 'Delete an ended or parked execution')
    .argument('<id>', 'the id of the execution')
    .action(async (id, options) => ended(await (await load()).deleteExecution(id, options, context)))
  command('resume', 'Resume an unfinished execution')
    .argument('<id>', 'the id of the execution')
    .addOption(toolsOption().conflicts('server'))
    .addOption(mcpOption().conflicts('server'))
    .addOption(new Option('--plan <file>', 'the plan that was still being written, or -').conflicts('server'))
    .option('--plan-line <n>', 'the number of accepted lines, if --plan begins behind them', parseCount)
    .addOption(resultOption())
    .option('--sse', 'print the events as Server-Sent Events on stdout')
    .action(async (id, options) => {
      const { resumeExecution } = await import('./executions-resume.ts')
      ended(await resumeExecution(id, options, context))
    })
  command('fork', 'Start a new execution that takes over the outputs of unchanged tasks')
    .argument('<id>', 'the id of the execution')
    .option('--from <task>', 'run this task again, and all that depend on it (repeatable)', collect)
    .option('--workflow <file>', 'another workflow as JSON, or - for standard input')
    .addOption(inputOption())
    .addOption(toolsOption().conflicts('server'))
    .addOption(mcpOption().conflicts('server'))
    .addOption(resultOption())
    .option('--sse', 'print the events as Server-Sent Events on stdout')
    .action(async (id, options) => {
      const { forkExecution } = await import('./executions-fork.ts')
      ended(await forkExecution(id, options, context))
    })
  command('diff', 'Compare two executions task by task, the first difference first')
    .argument('<a>', 'the id of one')
    .argument('<b>', 'the id of the other, such as a fork of it')
    .option('--json', 'print the comparison of all tasks as JSON')
    .action(async (a, b, options) => {
      const { diffExecutions } = await import('./executions-diff.ts')
      ended(await diffExecutions(a, b, options, context))
    })
  command('export', 'Print one or all executions as JSON lines: the request, then each event')
    .argument('[id]', 'the id of the execution')
    .action(async (id, options) => ended(await (await load()).exportExecutions(id, options, context)))
  executions
    .command('cache')
    .description('The outputs that tasks with `cache` remember')
    .command('clear')
    .description('Forget all of them')
    .addOption(storeOption())
    .action(async options => ended(await (await load()).clearCache(options, context)))
  executions
    .command('backup')
    .description('Copy the store into a new file, even while a server writes it')
    .argument('<file>', 'the file to create')
    .addOption(storeOption())
    .action(async (file, options) => ended(await (await load()).backUpStore(file, options, context)))
}

function collect(value: string, before: readonly string[] = []): readonly string[] {
  return [...before, value]
}

function storeOption(): Option {
  return new Option('--store <file>', `the file of the store, or postgres://… (default: ${DEFAULT_STORE}, if present)`)
}
