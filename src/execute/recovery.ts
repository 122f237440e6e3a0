import { DagstreamError } from '../errors.ts'
import type { JsonValue } from '../events/json-value.ts'
import { prepareExecution } from '../plan/compile.ts'
import type { ExecutionPlan } from '../plan/execution-plan.ts'
import type { ExecutionStore, StoredExecution } from '../store/execution-store.ts'
import { EventLog } from '../stream/event-log.ts'
import type { ExecutionNotes, Stop } from '../stream/execution-notes.ts'
import { type AnyTool, ToolRegistry } from '../tools/registry.ts'
import type { DAGStructure, WorkflowIssue } from '../workflow/document.ts'
import type { MutableCounters } from './counters.ts'
import { ExecutionLoop } from './execution-loop.ts'
import type { ResolvedOptions } from './options.ts'
import { INTERRUPTED, Past } from './past.ts'
import { parseRecorded, readOptions } from './recorded-options.ts'

/**
 * Takes an execution over from whoever ran it, and goes on with it: the same loop, begun from the state that its log adds up
 * to. Whoever runs it still gets `FENCED`. One that has ended is only looked at.
 *
 * It goes on with the options that it began with, and with `given` for the rest.
 *
 * @param tools what its workflow names; what is missing fails the execution with `TOOLS_UNAVAILABLE`
 * @param notes what is noted of the new life; a `stop` ends it
 * @returns once it goes on; rejects with what the store throws, and `STORE_FAILED` for a record that cannot be used
 */
export async function resumeLoop(
  stored: StoredExecution,
  store: ExecutionStore,
  tools: ToolRegistry,
  given: ResolvedOptions,
  counters: MutableCounters,
  notes: ExecutionNotes = { crashCount: 0 },
): Promise<ExecutionLoop> {
  const { executionId, createdAt } = stored
  const { graceMs: _, ...recorded } = readOptions(stored.options)
  const options: ResolvedOptions = { ...given, ...recorded }
  const { plan, input, failure } = compileRecorded(stored, tools)
  const lease = stored.status === 'running' ? await store.claim(executionId) : undefined
  const past = new Past(stored.notes)
  const log = await EventLog.restore(executionId, store, {
    base: await store.readBase?.(executionId),
    restoresOutputs: true,
    onEntry: entry => past.add(entry),
  })
  const loop = new ExecutionLoop(log, plan, input, options, counters, createdAt)
  if (past.end !== undefined) loop.showEnd(past.end)
  else if (lease === undefined)
    throw new DagstreamError('STORE_FAILED', `The log of execution \`${executionId}\` has no end`)
  else {
    const resumedAt = new Date(options.clock.wallTime()).toISOString()
    await store.note(lease, { ...notes, parked: null, spentMs: past.spentMs, resumedAt })
    const crash = options.onCrash === 'fail' ? INTERRUPTED : undefined
    loop.start(lease, undefined, { past, stop: notes.stop ?? stored.notes?.stop ?? failure ?? crash })
  }
  return loop
}

/** The plan of a recorded execution; where it does not compile any more, the failure with a plan that nothing runs by. */
function compileRecorded(
  { executionId, workflow, input }: StoredExecution,
  tools: ToolRegistry,
): { plan: ExecutionPlan; input: JsonValue | undefined; failure?: Stop } {
  if (workflow === undefined) {
    throw new DagstreamError('STORE_FAILED', `The store has no workflow of execution \`${executionId}\``)
  }
  const document = parseRecorded('workflow', workflow) as DAGStructure
  const given = input === undefined ? undefined : parseRecorded('input', input)
  try {
    return prepareExecution(document, tools, given)
  } catch (error) {
    if (!(error instanceof DagstreamError) || error.code !== 'INVALID_WORKFLOW') throw error
    return { ...prepareExecution(document, standIns(document), given), failure: describeFailure(error) }
  }
}

function describeFailure(error: DagstreamError): Stop {
  const issues = error.details['issues'] as readonly WorkflowIssue[]
  const missing = issues.find(({ code }) => code === 'UNKNOWN_TOOL')
  if (missing === undefined) return { code: 'INVALID_WORKFLOW', message: error.message }
  return { code: 'TOOLS_UNAVAILABLE', message: `${missing.message}, which the execution began with` }
}

/** Takes every tool's place, so that what has happened can be told; none is ever called. */
function standIns({ tasks }: DAGStructure): ToolRegistry {
  const names = new Set(tasks.map(({ tool }) => tool))
  return new ToolRegistry(Array.from(names, (name): AnyTool => ({ name, execute: () => null })))
}
