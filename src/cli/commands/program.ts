import { readFileSync } from 'node:fs'
import { Command, CommanderError, Option } from 'commander'
import picocolors from 'picocolors'
import { PACKAGE_ROOT } from '../package-root.ts'
import { hasColors } from '../render/color-support.ts'
import { type CliProcess, type CommandContext, type ExitCode, Notices, Output } from '../process/console.ts'
import { addDashHints } from '../render/dash-hints.ts'
import { addChatCommand } from './chat-program.ts'
import { addExecutionsCommands } from './executions-program.ts'
import { addMcpCommand } from './mcp/mcp-program.ts'
import { addViewingCommands } from './viewing-program.ts'
import { addPlanCommand } from '../plan/plan-program.ts'
import { addServeCommand } from './serve-program.ts'
import { addStoreCommands } from '../database/store-program.ts'
import { addWorkerCommand } from '../worker/worker-program.ts'
import { parsePositiveInteger, parsePriority } from '../input/option-values.ts'
import {
  cacheAgeOption,
  cacheBytesOption,
  eagerOption,
  inputOption,
  mcpOption,
  ndjsonOption,
  pageOption,
  onPlanBreakOption,
  onPlanErrorOption,
  resultOption,
  retainAgeOption,
  retainCountOption,
  serverOption,
  tokenOption,
  toolsOption,
  workflowsOption,
} from './program-options.ts'
import { reportError } from '../render/report-error.ts'
import { createStrayLines, StrayFaults } from '../process/stray-faults.ts'
import { toPlainLine, toPlainText } from '../render/text.ts'

/** Width of help without a terminal, columns. */
const HELP_COLUMNS = 80

/** Runs one command line. Resolves with the exit code once all output is written; never rejects. */
export async function runCli(process: CliProcess): Promise<ExitCode> {
  const stdout = new Output(process.stdout)
  const stderr = new Output(process.stderr)
  const notices = new Notices(stderr)
  const colors = picocolors.createColors(hasColors(process))
  const strays = new StrayFaults(createStrayLines(line => notices.tell(line, true), colors))
  const context: CommandContext = { process, stdout, stderr, notices, strays, colors }
  // Installed first: a module of tools may cause stray faults while it is loaded.
  const stopCatching = process.onStrayError(error => strays.take(error))
  let code: ExitCode
  try {
    code = await parseAndRun(context)
  } catch (error) {
    code = await reportError(error, context)
  }
  if (stdout.error && !stdout.isClosed) {
    await stderr.write(`Cannot write to standard output: ${toPlainLine(stdout.error.message)}\n`)
    if (code === 0) code = 1
  }
  // Node.js reports unhandled rejections at the end of a turn, and the process may end in this one.
  await new Promise(resolve => setImmediate(resolve))
  strays.tellRest()
  await notices.flush()
  stopCatching()
  return code
}

async function parseAndRun(context: CommandContext): Promise<ExitCode> {
  let code: ExitCode = 0
  const said = { out: '', error: '' }
  const program = new Command('dagstream')
    .description('Runs the tasks of workflows in parallel and streams every event.')
    .version(readVersion())
    .exitOverride()
    // Otherwise `chat "-Very short, please"` would be parsed as `-V`.
    .enablePositionalOptions()
    .configureOutput({
      getOutHelpWidth: () => context.stdout.stream.columns || HELP_COLUMNS,
      // Collected, because commander does not await its own writes.
      writeOut: text => (said.out += text),
      writeErr: text => (said.error += text),
    })

  program
    .command('run')
    .description('Run a workflow')
    .argument('<file>', 'the workflow as JSON, the name of a registered one, or - for standard input')
    .addOption(
      new Option('--schedule <schedule>', 'when tasks start (default: "layers")').choices(['layers', 'dataflow']),
    )
    .option('--concurrency <n>', 'maximum number of concurrent tasks', parsePositiveInteger)
    .option('--priority <n>', 'higher ones go first among executions that wait for a tool: -100 to 100', parsePriority)
    .option('--fail-fast', 'stop the execution once a task has failed')
    .option('--timeout <ms>', 'timeout of the whole execution', parsePositiveInteger)
    .addOption(inputOption())
    .addOption(toolsOption().conflicts('server'))
    .addOption(mcpOption().conflicts('server'))
    .addOption(workflowsOption().conflicts('server'))
    .addOption(new Option('--store <store>', 'keep the execution in this file, or in postgres://…').conflicts('server'))
    .addOption(retainAgeOption())
    .addOption(retainCountOption())
    .addOption(cacheAgeOption())
    .addOption(cacheBytesOption())
    .addOption(new Option('--dry-run', 'call nothing: take outputs from elsewhere').conflicts('server'))
    .option('--outputs <file>', 'of a dry run: a JSON file with outputs by task id')
    .option('--from <id>', 'of a dry run: an execution in --store whose outputs are taken')
    .addOption(pageOption())
    .addOption(ndjsonOption())
    .addOption(eagerOption())
    .addOption(onPlanErrorOption())
    .addOption(onPlanBreakOption())
    .addOption(serverOption('run it on this server instead'))
    .addOption(tokenOption())
    .addOption(resultOption())
    .option('--sse', 'print the events as Server-Sent Events on stdout')
    .action(async (file, options) => {
      const { runCommand } = await import('./run-command.ts')
      code = await runCommand(file, options, context)
    })
  addServeCommand(program, context, ended => (code = ended))
  addWorkerCommand(program, context, ended => (code = ended))
  addMcpCommand(program, context, ended => (code = ended))
  addPlanCommand(program, context, ended => (code = ended))
  program
    .command('watch')
    .description('Follow an execution on a server')
    .argument('<id>', 'the id of the execution')
    .addOption(serverOption('the server that runs it').makeOptionMandatory())
    .addOption(tokenOption())
    .option('--after <event>', 'begin after the event with this id')
    .addOption(resultOption())
    .option('--sse', 'print the events as Server-Sent Events on stdout')
    .action(async (id, options) => {
      const { watchCommand } = await import('./watch-command.ts')
      code = await watchCommand(id, options, context)
    })
  addExecutionsCommands(program, context, ended => (code = ended))
  addStoreCommands(program, context, ended => (code = ended))
  addChatCommand(program, context, ended => (code = ended))
  program
    .command('validate')
    .description('Check a workflow without running it')
    .argument('<file>', 'the workflow as JSON, the name of a registered one, or - for standard input')
    .addOption(inputOption())
    .addOption(toolsOption())
    .addOption(mcpOption())
    .addOption(workflowsOption())
    .option('--json', 'print {valid, issues, issueCount} on stdout')
    .option('--forecast', 'forecast time, tokens and cost from the executions of a store')
    .option('--store <file>', 'the store of the forecast (default: .dagstream/executions.db, if present)')
    .option('--concurrency <n>', 'maximum number of concurrent tasks of the forecast', parsePositiveInteger)
    .action(async (file, options) => {
      const { validateCommand } = await import('./validate-command.ts')
      code = await validateCommand(file, options, context)
    })
  addViewingCommands(program, context, ended => (code = ended))

  addDashHints(program, context.process.command, line => (said.error += line))

  try {
    await program.parseAsync(context.process.argv, { from: 'user' })
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error
    // Help and version exit with 0; any other exit of commander is a usage error.
    code = error.exitCode === 0 ? 0 : 2
  }
  if (said.out !== '') await context.stdout.write(said.out)
  if (said.error !== '') await context.stderr.write(toPlainText(said.error))
  return code
}

function readVersion(): string {
  const text = readFileSync(new URL('package.json', PACKAGE_ROOT), 'utf8')
  return (JSON.parse(text) as { version: string }).version
}
