import { systemClock } from '../../clock.ts'
import { sleep } from '../../sleep.ts'
import type { AttemptReport } from '../../attempt/attempt-outcome.ts'
import type { AttemptCommand, AttemptRunner, AttemptSink, Question } from '../../attempt/runner.ts'
import type { AnyTool } from '../../tools/registry.ts'
import { ToolRegistry } from '../../tools/registry.ts'
import { makeName } from '../store-fixtures.ts'

/** Creates a runner of these tools that abandons a tool which has not settled `abortGraceMs` after its abort. */
export type CreateRunner = (
  tools: ToolRegistry,
  options: { readonly abortGraceMs: number },
) => AttemptRunner | Promise<AttemptRunner>

/** Timeout of an expected event, ms. */
const PATIENCE_MS = 5000

/** Grace period of an aborted tool in this suite, ms. */
export const GRACE_MS = 50

/** Records the reports of an attempt, in order, each as `[method, argument]`. */
export class RecordingSink implements AttemptSink {
  readonly calls: (readonly [name: string, value: unknown])[] = []
  readonly report: Promise<AttemptReport>
  #resolve!: (report: AttemptReport) => void

  constructor() {
    this.report = new Promise(resolve => (this.#resolve = resolve))
  }

  token(text: string): void {
    this.calls.push(['token', text])
  }

  progress(progress: unknown): void {
    this.calls.push(['progress', progress])
  }

  log(level: string, message: string): void {
    this.calls.push(['log', `${level} ${message}`])
  }

  usage(delta: unknown): void {
    this.calls.push(['usage', delta])
  }

  question(question: Question): void {
    this.calls.push(['question', question])
  }

  dropped(): void {
    this.calls.push(['dropped', undefined])
  }

  settled(report: AttemptReport): void {
    this.calls.push(['settled', report.status])
    this.#resolve(report)
  }

  /** Resolves once the attempt has asked so many questions. */
  async questions(count: number): Promise<void> {
    const askedCount = (): number => this.names.filter(name => name === 'question').length
    for (let waited = 0; askedCount() < count; waited += 5) {
      if (waited > PATIENCE_MS) {
        throw new Error(`question(): expected ${count} calls within ${PATIENCE_MS} ms, found ${askedCount()}`)
      }
      await sleep(systemClock, 5)
    }
  }

  /** The names of the calls, in order. */
  get names(): string[] {
    return this.calls.map(([name]) => name)
  }
}

/** A started attempt. */
export interface StartedAttempt {
  readonly runner: AttemptRunner
  readonly command: AttemptCommand
  readonly sink: RecordingSink
  /** Rejects if the attempt does not settle in time. */
  readonly report: Promise<AttemptReport>
}

/** Runs one tool once. */
export async function startAttempt(
  createRunner: CreateRunner,
  execute: AnyTool['execute'],
  { inputSchema, exactNumbers, ...more }: Partial<AttemptCommand> & Pick<AnyTool, 'inputSchema' | 'exactNumbers'> = {},
): Promise<StartedAttempt> {
  const tool: AnyTool = {
    name: 'tool',
    execute,
    ...(inputSchema && { inputSchema }),
    ...(exactNumbers && { exactNumbers }),
  }
  const runner = await createRunner(new ToolRegistry([tool]), { abortGraceMs: GRACE_MS })
  return startOn(runner, more)
}

/** Starts an attempt of `tool` on a runner. */
export function startOn(runner: AttemptRunner, more: Partial<AttemptCommand> = {}): StartedAttempt {
  const executionId = makeName('execution')
  const command: AttemptCommand = {
    executionId,
    taskId: 'task',
    attempt: 1,
    tool: 'tool',
    arguments: {},
    mayHoldJsonNumbers: false,
    timeoutMs: 0,
    idempotencyKey: `${executionId}.task`,
    ...more,
  }
  const sink = new RecordingSink()
  runner.start(command, sink)
  const report = within(sink.report, 'settled()')
  // Prevents an unhandled rejection when a case fails before it awaits the report.
  report.catch(() => {})
  return { runner, command, sink, report }
}

/** Rejects if a promise does not settle in time. */
export async function within<T>(promise: Promise<T>, what: string): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what}: expected it within ${PATIENCE_MS} ms`)), PATIENCE_MS)
  })
  try {
    return await Promise.race([promise, late])
  } finally {
    clearTimeout(timer)
  }
}

/** A gate between a test and its tool. */
export function createGate(): { readonly opened: Promise<void>; readonly open: () => void } {
  let open = (): void => {}
  const opened = new Promise<void>(resolve => (open = resolve))
  return { opened, open: () => open() }
}
