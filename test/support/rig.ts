import {
  type DAGStructure,
  type Execution,
  type ExecuteOptions,
  type SSEEvent,
  StreamingExecutor,
  type Tool,
} from '../../src/index.ts'
import { collectNames } from '../../src/workflow/tool-names.ts'
import { ControlledTool } from './controlled-tool.ts'
import { FakeClock } from './fake-clock.ts'

export interface RigOptions extends ExecuteOptions {
  /** More about the tools that the workflow names, by name; each is controlled unless it has an `execute` of its own. */
  readonly tools?: Readonly<Record<string, Partial<Tool>>>
}

export interface Rig {
  /** Stands behind every tool that has no `execute` of its own. */
  readonly tool: ControlledTool
  readonly execution: Execution
  /** Every event so far, by a subscriber that never slows the execution. */
  readonly events: readonly SSEEvent[]
  readonly clock: FakeClock
}

/** Starts a workflow whose tools and clock the test holds in its hand. Its id is `x`; there is no jitter. */
export function rig(workflow: DAGStructure, options: RigOptions = {}): Rig {
  const { tools = {}, ...rest } = options
  const clock = new FakeClock()
  const tool = new ControlledTool()
  const names = new Set([...collectNames(workflow).tools, ...Object.keys(tools)])
  const definitions = Object.fromEntries(Array.from(names, name => [name, { execute: tool.execute, ...tools[name] }]))
  const executor = new StreamingExecutor(definitions, { clock, random: () => 0.5, createId: () => 'x' })
  const execution = executor.stream(workflow, rest)
  return { tool, execution, events: collectEvents(execution), clock }
}

/** An array that each event of an execution is added to the moment it is visible. */
export function collectEvents(execution: Execution): readonly SSEEvent[] {
  const events: SSEEvent[] = []
  const source = execution.subscribe()
  const take = (): void => {
    for (;;) {
      const entries = source.take(Number.POSITIVE_INFINITY)
      if (entries instanceof Promise) throw new Error('Expected the events to be in memory still')
      if (entries.length === 0) break
      for (const entry of entries) events.push(entry.toEvent())
    }
    if (!source.done) source.onReadable(take)
  }
  take()
  return events
}
