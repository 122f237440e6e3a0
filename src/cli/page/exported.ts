import { describeGraph, type GraphTask } from '../../host/details/execution-graph.ts'
import { describeRecord } from '../../engine/growth/describe-document.ts'
import { checkRecorded } from '../../engine/resume/recorded-execution.ts'
import type { EventFor } from '../../events/events.ts'
import { createState } from '../../events/execution-state.ts'
import { applyEvent } from '../../events/state.ts'
import { readField } from '../../client/failures.ts'
import { DagstreamError } from '../../errors.ts'
import { parseJson } from '../../json/parse-json.ts'
import { ToolRegistry } from '../../tools/registry.ts'
import { readExportedRecord } from '../input/exported-record.ts'
import { readText } from '../input/read-workflow.ts'
import { type CliProcess, UsageError } from '../process/console.ts'

/** Maximum size of an export, bytes. */
const MAX_BYTES = 256 * 1024 * 1024

/** An exported execution: the lines of its events as they are. */
export interface Exported {
  readonly executionId: string
  /** Where the export has the document. */
  readonly graph: readonly GraphTask[] | undefined
  /** JSON, one event each. */
  readonly events: readonly string[]
}

/**
 * Reads the lines of `executions export`: the request, then each event.
 * @throws UsageError for anything else, and for several executions
 */
export async function readExported(
  file: string,
  process: Pick<CliProcess, 'stdin' | 'cwd' | 'stderr'>,
): Promise<Exported> {
  const name = file === '-' ? 'standard input' : `\`${file}\``
  const lines = (await readText(file, process, MAX_BYTES)).split('\n').filter(line => line.trim() !== '')
  const events: string[] = []
  const growth: DocumentEvent[] = []
  let record: unknown
  for (const [at, line] of lines.entries()) {
    const value = parseLine(line, name, at + 1)
    if (typeof readField(value, 'type') === 'string' && typeof readField(value, 'data') === 'object') {
      events.push(line)
      if (changesDocument(value)) growth.push(value)
    } else if (record === undefined && typeof readField(value, 'executionId') === 'string') record = value
    else if (typeof readField(value, 'executionId') === 'string') {
      throw new UsageError(`Expected ${name} to hold one execution, got more: export one by its id`)
    } else throw new UsageError(`Expected line ${at + 1} of ${name} to be an event: is it from \`executions export\`?`)
  }
  const executionId = readField(record, 'executionId')
  if (typeof executionId !== 'string') {
    throw new UsageError(`Expected ${name} to begin with an execution: is it from \`executions export\`?`)
  }
  return { executionId, graph: await findGraph(executionId, record as object, growth), events }
}

function parseLine(line: string, name: string, number: number): unknown {
  try {
    return parseJson(line)
  } catch {
    throw new UsageError(`Line ${number} of ${name} is not JSON`)
  }
}

type DocumentEvent = Pick<EventFor<'tasks_added' | 'tasks_removed'>, 'type' | 'data'>

function changesDocument(event: unknown): event is DocumentEvent {
  const type = readField(event, 'type')
  return (
    type === 'tasks_removed' ||
    (type === 'tasks_added' && readField(readField(event, 'data'), 'parentId') === undefined)
  )
}

/** `undefined` for an export without a document, and for a document of an older version. */
async function findGraph(
  executionId: string,
  exported: object,
  growth: readonly DocumentEvent[],
): Promise<readonly GraphTask[] | undefined> {
  const record = readExportedRecord(executionId, exported)
  if (record === undefined) return undefined
  const state = createState(executionId)
  try {
    for (const event of growth) applyEvent(state, event, 0)
    return describeGraph(await checkRecorded(describeRecord(record, state), new ToolRegistry()).plan())
  } catch (error) {
    if (error instanceof DagstreamError) return undefined
    throw error
  }
}
