import type { SharedStore } from '../../src/cluster/shared-store.ts'
import type { ExecutionOptions, ExecutionResult, SSEEvent, Tool, ToolContext } from '../../src/index.ts'
import { compileWorkflow } from '../../src/index.ts'
import { TOOLS } from '../language/random-behaviour.ts'
import type { RandomDocument } from '../language/random-language-document.ts'
import { RandomSource } from '../language/random-source.ts'
import type { Json } from '../language/reference-template.ts'
import { createRandom } from '../support/random-graph.ts'
import { createRandomQuestions } from '../support/random-questions.ts'
import { SharedRig } from '../support/shared/shared-rig.ts'
import type { TestCoordinator } from '../support/shared/test-coordinator.ts'
import { TestWorker } from '../support/shared/test-worker.ts'

/** What disturbs an execution. */
export interface Chaos {
  /** Commits of each coordinator before it is killed; the first of a takeover only resumes. `undefined`: none is killed. */
  readonly commits?: readonly [low: number, high: number]
  /** How many workers are killed. */
  readonly workerKills?: number
  /** Whether messages are delayed and doubled, and hints delayed and lost. */
  readonly isNetworkBad?: boolean
  /** Share of calls that ask people. */
  readonly askShare?: number
}

/** A disturbed execution at its end. */
export interface ChaosRun {
  readonly events: readonly SSEEvent[]
  readonly seqs: readonly number[]
  readonly result: ExecutionResult
  /** `task attempt` of each call. */
  readonly calls: readonly string[]
  /** Calls of tasks that had settled. */
  readonly lateCalls: readonly string[]
  readonly takeoverCount: number
}

/** Lease of a worker's order, ms. */
const TTL_MS = 3000

/** Turns of half a second after which an execution counts as stuck. */
const MAX_TURNS = 1500

/** Runs a random document on workers while chaos strikes. */
export async function runInChaos(
  made: RandomDocument,
  seed: number,
  setting: ExecutionOptions,
  { commits, workerKills = 0, isNetworkBad = false, askShare = 0 }: Chaos,
): Promise<ChaosRun> {
  const source = new RandomSource(seed)
  const random = createRandom(seed + 1)
  const questions = createRandomQuestions(random, askShare)
  const calls: string[] = []
  const lateCalls: string[] = []
  const call = async (tool: string, args: Json, context: ToolContext): Promise<Json> => {
    const { taskId, attempt } = context
    calls.push(`${taskId} ${attempt}`)
    const past = (await rig.events()).filter(({ data }) => 'taskId' in data && data.taskId === taskId)
    if (past.some(({ type }) => type === 'task_complete')) lateCalls.push(taskId)
    // Interrupted attempts change no outcome.
    const failures = past.filter(({ type, data }) => type === 'task_retry' && !('interrupted' in data))
    context.reportUsage({ totalTokensIn: 1 })
    await questions.ask(context)
    for (let turn = Math.floor(random() * 4); turn > 0; turn--) await new Promise(resolve => setImmediate(resolve))
    // Some last long enough to be killed.
    if (random() < 0.2) await new Promise<void>(resolve => clock.after(random() * 300, resolve))
    context.reportUsage({ totalTokensOut: 1 })
    context.emitToken('x')
    const done = made.behave({ tool, taskId, attempt: failures.length + 1, args })
    if ('output' in done) return done.output
    const code = done.code === 'TOOL_ERROR' ? {} : { code: done.code }
    throw Object.assign(new Error(`No ${taskId}`), { ...code, ...(done.isFinal && { retryable: false }) })
  }
  const tools: Record<string, Omit<Tool, 'name'>> = Object.fromEntries(
    TOOLS.map(name => [
      name,
      {
        execute: (args, context) => call(name, args as Json, context),
        retry: { jitter: 0 },
        ...(name === 'list' && seed % 3 === 0 && { limit: 1 }),
      } satisfies Omit<Tool, 'name'>,
    ]),
  )
  const rig = new SharedRig(tools, { ...setting, onInput: questions.onInput })
  const { clock, store } = rig
  if (isNetworkBad) {
    store.delayHints(() => (source.chance(0.3) ? undefined : source.chance(0.5) ? 0 : source.integer(1, 900)))
  }
  let workerCount = 0
  const addWorker = async (): Promise<TestWorker> => {
    const connected = store.connect()
    const worker = new TestWorker({
      store: isNetworkBad ? withBadNetwork(connected, rig, source) : connected,
      clock,
      tools: rig.tools,
      concurrency: source.integer(1, 4),
      ttlMs: TTL_MS,
      workerId: `w${++workerCount}`,
    })
    await worker.start()
    return worker
  }
  const workers = [await addWorker(), await addWorker(), await addWorker()]
  const plan = compileWorkflow(made.document, rig.tools, { workflows: made.workflows })
  let killsLeft = workerKills
  let isLost = false
  const doom = (coordinator: TestCoordinator): void => {
    if (commits !== undefined) coordinator.killAfter(source.integer(...commits), () => (isLost = true))
  }
  let coordinator = await rig.start(plan, made.input)
  doom(coordinator)
  let takeoverCount = 0
  for (let turn = 0; coordinator.loop.log.ending === undefined; turn++) {
    if (turn > MAX_TURNS) throw new Error(`Stuck: ${JSON.stringify(await rig.outline('task_start', 'task_complete'))}`)
    if (isLost) {
      isLost = false
      takeoverCount += 1
      if ((await store.get('x'))?.status !== 'running') break
      const next = await rig.takeOver()
      if (next === undefined) throw new Error('Parked')
      coordinator = next
      doom(coordinator)
    }
    if (killsLeft > 0 && source.chance(0.2)) {
      killsLeft -= 1
      workers.splice(source.integer(0, workers.length - 1), 1)[0]?.kill()
      workers.push(await addWorker())
    }
    await clock.run(source.pick([0, 1, 50, 500]))
    await store.orders.interruptExpired()
  }
  // The last commit of a killed coordinator may have been the end.
  const last = coordinator.loop.log.ending === undefined ? await rig.takeOver() : coordinator
  for (const worker of workers) worker.kill()
  const entries = await rig.entries()
  const result = (await last?.loop.result) as ExecutionResult
  const events = entries.map(entry => entry.toEvent())
  return { events, seqs: entries.map(({ seq }) => seq), result, calls, lateCalls, takeoverCount }
}

/** Posts arrive late or twice, and answers of the store late. */
function withBadNetwork(store: SharedStore, { clock }: SharedRig, source: RandomSource): SharedStore {
  const later = async (): Promise<void> => {
    if (source.chance(0.5)) await new Promise<void>(resolve => clock.after(source.integer(1, 700), resolve))
  }
  const { inbox } = store
  return {
    ...store,
    inbox: {
      post: async (workerId, messages) => {
        await later()
        const accepted = await inbox.post(workerId, messages)
        // The first answer is lost, and the repetition comes late: its coordinator may have consumed the messages.
        if (source.chance(0.3)) {
          await later()
          await inbox.post(workerId, messages)
        }
        return accepted
      },
      send: command => inbox.send(command),
      read: (ids, limit) => inbox.read(ids, limit),
      listWaiting: holder => inbox.listWaiting(holder),
      findReply: commandId => inbox.findReply(commandId),
    },
  }
}
