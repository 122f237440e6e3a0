import { DagstreamError } from '../errors.ts'
import type { JsonValue } from '../events/json-value.ts'
import type { ExecutionState } from '../events/state.ts'
import { prepareExecution } from '../plan/compile.ts'
import type { ExecutionPlan } from '../plan/execution-plan.ts'
import type { ExecutionStore, StoredExecution } from '../store/execution-store.ts'
import { EventLog } from '../stream/event-log.ts'
import type { ExecutionNotes, Stop } from '../stream/execution-notes.ts'
import { quoteName } from '../tools/json-pointer.ts'
import { type AnyTool, ToolRegistry } from '../tools/registry.ts'
import type { DAGStructure } from '../workflow/document.ts'
import { createCounters, type MutableCounters } from './counters.ts'
import { ExecutionLoop } from './execution-loop.ts'
import { type ResolvedOptions, resolveOptions } from './options.ts'
import { INTERRUPTED, Past } from './past.ts'
import { parseRecorded, readOptions } from './recorded-options.ts'

/** What an execution is gone on with. */
export interface ResumeMeans {
  /** What is missing fails it with `TOOLS_UNAVAILABLE`; what is only ended, or shown, needs none. @defaultValue none */
  readonly tools?: ToolRegistry
  /** For what its record does not say. */
  readonly options?: ResolvedOptions
  readonly counters?: MutableCounters
  /** What is noted of the new life; a `stop` ends it. @defaultValue `{ crashCount: 0 }` */
  readonly notes?: ExecutionNotes
}

/**
 * Takes an execution over from whoever ran it, and goes on with it: the same loop, begun from the state that its log adds up
 * to. Whoever runs it still gets `FENCED`. One that has ended is only looked at.
 *
 * It goes on with the options that it began with.
 *
 * @returns once it goes on; rejects with what the store throws, and `STORE_FAILED` for a record that cannot be used
 */
export async function resumeLoop(
  stored: StoredExecution,
  store: ExecutionStore,
  {
    tools = new ToolRegistry(),
    options: given = resolveOptions(),
    counters = createCounters(),
    notes = { crashCount: 0 },
  }: ResumeMeans = {},
): Promise<ExecutionLoop> {
  const { executionId, createdAt } = stored
  const { graceMs: _, ...recorded } = readOptions(stored.options)
  const options: ResolvedOptions = { ...given, ...recorded }
  const { plan, input, findFailure } = compileRecorded(stored, tools)
  const lease = stored.status === 'running' ? await store.claim(executionId) : undefined
  // At once: the log itself may be what this process ends by.
  if (lease !== undefined) await store.note(lease, { crashCount: notes.crashCount ?? 0 })
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
    await store.note(lease, { ...notes, parked: null, left: null, spentMs: past.spentMs, resumedAt })
    const stop = notes.stop ?? stored.notes?.stop ?? findFailure(log.state)
    loop.start(lease, undefined, { past, stop: stop ?? (options.onCrash === 'fail' ? INTERRUPTED : undefined) })
  }
  return loop
}

/** A recorded execution as it can be run now. */
interface Recorded {
  readonly plan: ExecutionPlan
  readonly input: JsonValue | undefined
  /** Why nothing more of it runs, given the ids of the tasks that have settled. */
  readonly findFailure: (state: ExecutionState) => Stop | undefined
}

/** What tools it began with and there are not any more have their places taken, so that what has happened can be told. */
function compileRecorded({ executionId, workflow, input }: StoredExecution, tools: ToolRegistry): Recorded {
  if (workflow === undefined) {
    throw new DagstreamError('STORE_FAILED', `The store has no workflow of execution \`${executionId}\``)
  }
  const document = parseRecorded('workflow', workflow) as DAGStructure
  const given = input === undefined ? undefined : parseRecorded('input', input)
  const missing = new Set(document.tasks.map(({ tool }) => tool).filter(name => !tools.has(name)))
  try {
    const findFailure = ({ tasks }: ExecutionState): Stop | undefined => {
      const { tool } = document.tasks.find(({ id, tool: name }) => missing.has(name) && !tasks.get(id)?.result) ?? {}
      if (tool === undefined) return undefined
      const message = `There is no tool ${quoteName(tool)} any more, which the execution began with`
      return { code: 'TOOLS_UNAVAILABLE', message }
    }
    return { ...prepareExecution(document, withStandIns(tools, missing), given, true), findFailure }
  } catch (error) {
    if (!(error instanceof DagstreamError) || error.code !== 'INVALID_WORKFLOW') throw error
    // For instance the schema of a tool is another one now.
    const all = withStandIns(new ToolRegistry(), new Set(document.tasks.map(({ tool }) => tool)))
    const failure: Stop = { code: error.code, message: error.message }
    return { ...prepareExecution(document, all, given, true), findFailure: () => failure }
  }
}

/** None of those that take a place is ever called. */
function withStandIns(tools: ToolRegistry, missing: ReadonlySet<string>): ToolRegistry {
  if (missing.size === 0) return tools
  const known = new WeakMap(Array.from(tools, registered => [registered.tool, registered] as const))
  const standIns = Array.from(missing, (name): AnyTool => ({ name, execute: () => null }))
  return ToolRegistry.reusing([...Array.from(tools, ({ tool }) => tool), ...standIns], known)
}
