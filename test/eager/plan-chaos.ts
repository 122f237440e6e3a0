import type { Clock } from '../../src/clock.ts'
import type { SharedStore } from '../../src/cluster/shared-store.ts'
import { followPlan } from '../../src/engine/growth/follow-plan.ts'
import { PlanLineReader } from '../../src/engine/growth/plan-lines.ts'
import { resolvePlanOptions } from '../../src/engine/growth/plan-options.ts'
import { resumePlan } from '../../src/engine/growth/resume-plan.ts'
import { resolveOptions } from '../../src/engine/options.ts'
import { LogEntry } from '../../src/events/log-entry.ts'
import type { ExecutionResult, SSEEvent, Tool, ToolContext } from '../../src/index.ts'
import { WorkflowRegistry } from '../../src/plan/workflow-registry.ts'
import { ToolRegistry } from '../../src/tools/registry.ts'
import { TOOLS } from '../language/random-behaviour.ts'
import type { RandomDocument } from '../language/random-language-document.ts'
import { RandomSource } from '../language/random-source.ts'
import type { Json } from '../language/reference-template.ts'
import { TestCoordinator } from '../support/shared/test-coordinator.ts'
import { TestWorker } from '../support/shared/test-worker.ts'
import { splitBytes, toLines } from './plan-rig.ts'

/** A shared store, and how time passes beside it. */
export interface PlanSite {
  readonly store: SharedStore
  readonly clock: Clock
  /** The same store, for another process. */
  connect(): Promise<SharedStore>
  /** Some time passes. */
  pass(random: RandomSource): Promise<void>
  /** Lease of a worker's order, ms. */
  readonly ttlMs: number
}

/** What disturbs a plan that is still being written. */
export interface PlanChaos {
  /** Commits of each coordinator before it is killed. `undefined`: none is killed. */
  readonly commits?: readonly [low: number, high: number]
  readonly workerKills?: number
  readonly eager?: 'read-only' | 'all'
}

/** A plan at its end. */
export interface PlanRun {
  readonly events: readonly SSEEvent[]
  readonly seqs: readonly number[]
  readonly result: ExecutionResult
  /** `task attempt` of each call. */
  readonly calls: readonly string[]
  /** Calls of tasks that had settled. */
  readonly lateCalls: readonly string[]
  /** Calls of tools that write before the seal. */
  readonly earlyCalls: readonly string[]
  readonly takeoverCount: number
}

/** Passages of time after which an execution counts as stuck. */
const MAX_TURNS = 4000

/** Writes a random document as lines to workers while chaos strikes; its planner comes back, sooner or later. */
export async function streamInChaos(
  site: PlanSite,
  made: RandomDocument,
  seed: number,
  { commits, workerKills = 0, eager = 'read-only' }: PlanChaos,
): Promise<PlanRun> {
  const random = new RandomSource(seed)
  const { store, clock, ttlMs } = site
  const calls: string[] = []
  const lateCalls: string[] = []
  const earlyCalls: string[] = []
  const readEvents = async (): Promise<{ events: SSEEvent[]; seqs: number[] }> => {
    const stored = await store.read('x', 0, 1_000_000)
    const entries = stored.map(({ seq, type, json }) => LogEntry.fromJson(seq, type, json))
    return { events: entries.map(entry => entry.toEvent()), seqs: entries.map(({ seq }) => seq) }
  }
  const call = async (tool: Tool, args: Json, { taskId, attempt }: ToolContext): Promise<Json> => {
    calls.push(`${taskId} ${attempt}`)
    const { events } = await readEvents()
    const past = events.filter(({ data }) => 'taskId' in data && data.taskId === taskId)
    if (past.some(({ type }) => type === 'task_complete')) lateCalls.push(taskId)
    const isSealed = events.some(({ type }) => type === 'plan_sealed')
    if (eager === 'read-only' && tool.readOnly !== true && !isSealed) earlyCalls.push(taskId)
    // Interrupted attempts change no outcome.
    const failures = past.filter(({ type, data }) => type === 'task_retry' && !('interrupted' in data))
    const done = made.behave({ tool: tool.name, taskId, attempt: failures.length + 1, args })
    if ('output' in done) return done.output
    const code = done.code === 'TOOL_ERROR' ? {} : { code: done.code }
    throw Object.assign(new Error(`No ${taskId}`), { ...code, ...(done.isFinal && { retryable: false }) })
  }
  const registered = TOOLS.map((name): Tool => {
    const tool: Tool = {
      name,
      readOnly: random.chance(0.5),
      retry: { jitter: 0 },
      execute: (args, context) => call(tool, args as Json, context),
    }
    return tool
  })
  const tools = new ToolRegistry(registered)
  const options = resolveOptions({
    clock,
    random: () => 0.5,
    createId: () => 'x',
    schedule: 'dataflow',
    maxConcurrency: random.pick([1, 2, 3, 8]),
  })
  const workflows = Object.keys(made.workflows).length > 0 ? WorkflowRegistry.from(made.workflows, tools) : undefined
  const streamed = resolvePlanOptions(0, { eager })
  const lines = toLines(made.document, registered, made.workflows)
  const writeRest = (from: number): AsyncIterable<Uint8Array> => splitBytes(lines.slice(from).join('\n'), random)
  let workerCount = 0
  const addWorker = async (): Promise<TestWorker> => {
    const concurrency = random.integer(1, 4)
    const worker = new TestWorker({
      store: await site.connect(),
      clock,
      tools,
      concurrency,
      ttlMs,
      workerId: `w${++workerCount}`,
    })
    await worker.start()
    return worker
  }
  const workers = [await addWorker(), await addWorker()]
  const parts = { store, tools, options, workflows, streamed }
  let isLost = false
  const doom = (coordinator: TestCoordinator): void => {
    if (commits !== undefined) coordinator.killAfter(random.integer(...commits), () => (isLost = true))
  }
  let coordinator = await TestCoordinator.start({ tasks: [] }, made.input, parts)
  doom(coordinator)
  void followPlan(coordinator.loop, new PlanLineReader(writeRest(0)), streamed)
  /** Passages of time until the planner comes back; `undefined` while there is one. */
  let absence: number | undefined
  let killsLeft = workerKills
  let takeoverCount = 0
  for (let turn = 0; coordinator.loop.log.ending === undefined; turn++) {
    if (turn > MAX_TURNS) throw new Error(`Stuck: ${JSON.stringify((await readEvents()).events.slice(-8))}`)
    const stored = await store.get('x')
    if (isLost) {
      isLost = false
      takeoverCount += 1
      if (stored?.status !== 'running') break
      const next = await TestCoordinator.takeOver('x', parts)
      if (next === undefined) throw new Error('Parked')
      coordinator = next
      doom(coordinator)
      absence = random.pick([0, 0, 1, 5])
    }
    if (absence === 0 && stored !== undefined) {
      absence = undefined
      await resumePlan(coordinator.loop, stored, writeRest(coordinator.loop.log.state.planLine ?? 0))
    } else if (absence !== undefined) absence -= 1
    if (killsLeft > 0 && random.chance(0.2)) {
      killsLeft -= 1
      workers.splice(random.integer(0, workers.length - 1), 1)[0]?.kill()
      workers.push(await addWorker())
    }
    await site.pass(random)
    await store.orders.interruptExpired()
  }
  // The last commit of a killed coordinator may have been the end.
  const last = coordinator.loop.log.ending === undefined ? await TestCoordinator.takeOver('x', parts) : coordinator
  for (const worker of workers) worker.kill()
  const result = (await last?.loop.result) as ExecutionResult
  return { ...(await readEvents()), result, calls, lateCalls, earlyCalls, takeoverCount }
}
