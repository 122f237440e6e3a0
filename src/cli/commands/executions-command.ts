import { resolve } from 'node:path'
import picocolors from 'picocolors'
import type { OutputReference, SSEEvent } from '../../events/events.ts'
import type { ShownStatus } from '../../host/execution/shown-status.ts'
import { WHOLE_EXECUTION } from '../../events/wire-json.ts'
import { parseJson } from '../../json/parse-json.ts'
import { stringifyJson } from '../../json/stringify-json.ts'
import { isPostgresUrl } from '../../store/postgres/connection/connection-url.ts'
import type { SqliteStore } from '../../store/sqlite/sqlite-store.ts'
import { checkPath } from '../../store/sqlite/store-path.ts'
import { type CommandContext, type ExitCode, UsageError } from '../process/console.ts'
import { renderExecutions } from '../render/execution-table.ts'
import type { ExecutionHead, ExecutionSource, WireEvent } from '../target/execution-source.ts'
import { findStore, openSource, type SourceFlags } from '../target/open-source.ts'
import { openExistingStore } from '../target/open-store.ts'
import { renderSummary } from '../render/summary.ts'
import { TaskBoard } from '../render/tree/task-board.ts'
import { renderTree } from '../render/tree/task-tree.ts'
import { formatNumberOf, toPlainLine } from '../render/text.ts'
import { checkIds } from './watch-command.ts'
import { toWellFormedJson } from '../../text.ts'

/** The flags of read-only commands. */
export interface ShowFlags extends SourceFlags {
  readonly json?: true
}

/** The flags of `executions list`. */
export interface ListFlags extends ShowFlags {
  /** Maximum number of executions, newest first. */
  readonly limit: number
  /** Only those with this status. */
  readonly status?: ShownStatus
  /** Only those of workflows with this name. */
  readonly name?: string
  /** Only those created at this time or later, in the format of `createdAt`. */
  readonly since?: string
}

/** Maximum size of a printed tree, lines and columns: the rest is summarized. */
const TREE_ROWS = 500
const TREE_COLUMNS = 120

/** Size of one write, characters. */
const CHUNK_CHARS = 64 * 1024

/** Lists executions, the newest first. */
export async function listExecutions(options: ListFlags, context: CommandContext): Promise<ExitCode> {
  const { stdout, stderr } = context
  return withSource(options, 'read', context, async source => {
    const newest: ExecutionHead[] = []
    let count = 0
    const { status, name, since } = options
    const filter = {
      ...(status !== undefined && { status }),
      ...(name !== undefined && { name }),
      ...(since !== undefined && { since }),
    }
    for await (const head of source.list(filter)) {
      count += 1
      newest.push(head)
      if (newest.length > options.limit) newest.shift()
    }
    const shown: ExecutionHead[] = []
    for (const head of newest.toReversed()) shown.push(await source.addFigures(head))
    await stdout.write(options.json ? `${JSON.stringify(shown)}\n` : renderExecutions(shown, Date.now()))
    if (options.json) return
    if (count === 0) await stderr.write('No executions\n')
    const older = count - shown.length
    if (older > 0) await stderr.write(`${formatNumberOf(older, 'older one')} not shown; --limit shows more\n`)
  })
}

/** Shows the state of an execution, task by task, and its result once it has ended. */
export async function showExecution(
  executionId: string,
  options: ShowFlags,
  context: CommandContext,
): Promise<ExitCode> {
  const { stdout } = context
  checkIds(executionId)
  return withSource(options, 'read', context, async source => {
    const { head, result } = await source.show(executionId)
    const end = result ? renderSummary(result, PLAIN) : `${describeUnended(head)}\n`
    const text = options.json
      ? stringifyJson({ ...head, ...(result && { result }) })
      : `${await drawTree(source, head)}\n${describeOrigin(head)}${end.trimEnd()}`
    await stdout.write(`${text}\n`)
  })
}

/** Cancels an execution without calling any of its tools. */
export async function cancelExecution(
  executionId: string,
  options: ShowFlags,
  context: CommandContext,
): Promise<ExitCode> {
  checkIds(executionId)
  return withSource(options, 'write', context, async source => {
    const status = await source.cancel(executionId)
    const told = { running: 'is being cancelled', cancelled: 'is cancelled' }[status] ?? `has ended: ${status}`
    if (options.json) await context.stdout.write(`${JSON.stringify({ executionId, status })}\n`)
    else await context.stderr.write(`Execution ${executionId} ${toPlainLine(told)}\n`)
  })
}

/** Removes an execution that has ended. */
export async function deleteExecution(
  executionId: string,
  options: SourceFlags,
  context: CommandContext,
): Promise<ExitCode> {
  checkIds(executionId)
  return withSource(options, 'write', context, async source => {
    await source.delete(executionId)
    await context.stderr.write(`Execution ${executionId} is deleted\n`)
  })
}

/**
 * Writes executions as lines of JSON: the request, then each event in its wire format but with complete outputs. Without an id,
 * all executions, oldest first.
 */
export async function exportExecutions(
  executionId: string | undefined,
  options: SourceFlags,
  context: CommandContext,
): Promise<ExitCode> {
  if (executionId !== undefined) checkIds(executionId)
  return withSource(options, 'read', context, async source => {
    const ids = executionId === undefined ? listIds(source) : [executionId]
    let text = ''
    for await (const id of ids) {
      for await (const line of exportLines(source, id)) {
        text += `${line}\n`
        if (text.length < CHUNK_CHARS) continue
        if (!(await context.stdout.write(text))) return
        text = ''
      }
    }
    await context.stdout.write(text)
  })
}

/** Forgets all remembered outputs of a store. */
export async function clearCache(
  options: Pick<SourceFlags, 'store'>,
  { process, stderr }: CommandContext,
): Promise<ExitCode> {
  const store = await openExistingStore(findStore(options, process), 'write', process)
  try {
    const count = (await store.forget?.()) ?? 0
    await stderr.write(`${formatNumberOf(count, 'output')} forgotten\n`)
  } finally {
    await store.close()
  }
  return 0
}

/** Copies a store into a new file, also while a server writes it. */
export async function backUpStore(
  file: string,
  options: Pick<SourceFlags, 'store'>,
  { process, stderr }: CommandContext,
): Promise<ExitCode> {
  if (file === '-')
    throw new UsageError('Expected a file to back up to, got `-`: a backup is not written to standard output')
  checkPath(file)
  const from = findStore(options, process)
  if (isPostgresUrl(from)) throw new UsageError('Expected a file as --store: back up a database with `pg_dump`')
  const store = (await openExistingStore(from, 'read', process)) as SqliteStore
  try {
    await store.backup(resolve(process.cwd, file))
  } finally {
    await store.close()
  }
  await stderr.write(`${from} is backed up to ${file}\n`)
  return 0
}

/** Colours are detected for standard error; standard output stays plain. */
const PLAIN = picocolors.createColors(false)

/** Opens the executions of a file or a server, and closes them. */
export async function withSource(
  flags: SourceFlags,
  access: 'read' | 'write',
  { process }: CommandContext,
  work: (source: ExecutionSource) => Promise<void>,
): Promise<ExitCode> {
  const source = await openSource(flags, access, process)
  try {
    await work(source)
  } finally {
    await source.close()
  }
  return 0
}

async function* listIds(source: ExecutionSource): AsyncGenerator<string, void, undefined> {
  for await (const { executionId } of source.list()) yield executionId
}

async function* exportLines(source: ExecutionSource, executionId: string): AsyncGenerator<string, void, undefined> {
  const { record, events } = await source.openLog(executionId)
  yield toWellFormedJson(stringifyJson(record))
  for await (const event of events) {
    const { id, type } = event
    const data = toWellFormedJson(await writeWhole(event, source, executionId))
    yield `${JSON.stringify({ id, type }).slice(0, -1)},"data":${data}}`
  }
}

/** The data of an event, with a referenced output inlined. */
async function writeWhole({ type, json }: WireEvent, source: ExecutionSource, executionId: string): Promise<string> {
  const hasOutput = type === 'task_complete' || type === 'execution_complete'
  if (!hasOutput || !json.includes('"outputPath"')) return json
  const data = JSON.parse(json) as OutputReference & { readonly taskId?: string }
  const { outputBytes: _, outputPreview: __, outputPath, ...rest } = data
  // The matched text may be part of an output.
  if (outputPath === undefined) return json
  const output = await source.readOutput(executionId, data.taskId ?? WHOLE_EXECUTION)
  return `${JSON.stringify(rest).slice(0, -1)},"output":${output}}`
}

async function drawTree(source: ExecutionSource, { executionId, parked }: ExecutionHead): Promise<string> {
  const board = new TaskBoard()
  let at = 0
  const { events } = await source.openLog(executionId)
  for await (const { type, json } of events) {
    const event = { type, data: parseJson(json) } as SSEEvent
    at = Date.parse(event.data.timestamp)
    board.apply(event, at)
  }
  // The clock stands still for an execution that is parked or has not started.
  const now = parked || at === 0 ? at : Math.max(at, Date.now())
  return renderTree(board, { rows: TREE_ROWS, columns: TREE_COLUMNS, now, colors: PLAIN })
}

/** A line about what a fork was made from. */
function describeOrigin({ forkedFrom }: ExecutionHead): string {
  if (forkedFrom === undefined) return ''
  const { executionId, from } = forkedFrom
  const tasks = from.length === 0 ? '' : ` from ${from.map(toPlainLine).join(', ')}`
  return `forked from ${toPlainLine(executionId)}${tasks}\n`
}

function describeUnended({ status, parked }: ExecutionHead): string {
  return toPlainLine(parked ? `${status}: ${parked.code}: ${parked.message}` : status)
}
