import type { Clock } from '../../clock.ts'
import type { ForwardedLine, PlannerReply, PlannerStep } from '../../cluster/planner-step.ts'
import type { PlanEnd } from '../../engine/growth/follow-plan.ts'
import { LineIntake } from '../../engine/growth/line-intake.ts'
import type { PlanDesk } from '../../engine/growth/plan-desk.ts'
import type { PlanLine, PlanLineReader } from '../../engine/growth/plan-lines.ts'
import type { ResolvedPlanOptions } from '../../engine/growth/plan-options.ts'
import { parseJson } from '../../json/parse-json.ts'
import type { PresentPlanner } from './planner.ts'

/** Silence of the server of a planner after which the planner has broken off, ms: its server shows every 3 s that it is there. */
const GONE_MS = 10_000

/** What a coordinator judges planners at other servers by. */
export interface RemoteContext {
  readonly clock: Clock
  /** Whether silence shows that a server is gone: during an outage of the store nobody could send anything. */
  readonly isSteady: () => boolean
}

/** A planner that writes at another server, as the coordinator of its execution knows it. */
export class RemotePlanner implements PresentPlanner {
  readonly id: string
  /** How it ended. */
  readonly ended: Promise<PlanEnd>
  /** Why it has broken off. */
  failure: PlanLineReader['failure']
  readonly #desk: PlanDesk
  readonly #intake: LineIntake
  readonly #context: RemoteContext
  #heardAt: number
  /** As its server has counted it. */
  #silentMs = 0
  #isOver = false
  #settle!: (end: PlanEnd) => void
  #stopTimer: () => void = () => {}

  constructor(id: string, desk: PlanDesk, streamed: ResolvedPlanOptions, context: RemoteContext) {
    this.id = id
    this.#desk = desk
    this.#intake = new LineIntake(desk, streamed)
    this.#context = context
    this.ended = new Promise(resolve => (this.#settle = resolve))
    this.#heardAt = context.clock.now()
    this.#watch()
  }

  get silentMs(): number {
    return this.#silentMs + this.#context.clock.now() - this.#heardAt
  }

  /** Its server finds that it is not known any more. */
  abort(): void {
    this.end('broken')
  }

  /** Idempotent. */
  end(end: PlanEnd): void {
    this.#isOver = true
    this.#stopTimer()
    this.#settle(end)
  }

  /**
   * Takes its lines in one turn, so that they are in one commit with the reply.
   * @param onRecorded called in the turn in which they are recorded
   * @returns settles after that, or once that will never be
   */
  async write(
    { after, lines, silentMs, end: given, why }: Extract<PlannerStep, { kind: 'write' }>,
    onRecorded: (reply: PlannerReply) => void,
  ): Promise<void> {
    const desk = this.#desk
    this.#hear(silentMs)
    if (desk.room !== undefined) await desk.room
    if (this.#isOver || after > desk.line) return onRecorded({ kind: 'unknown' })
    const end = this.#take(lines) ?? (given === 'complete' ? this.#intake.take(undefined) : undefined)
    const { line } = desk
    const recorded = desk.mark(() => onRecorded({ kind: 'written', line, ...(end !== undefined && { end }) }))
    if (end === undefined && why !== undefined) this.failure = { error: why }
    if (end !== undefined || given !== undefined) this.end(end ?? 'broken')
    await recorded
  }

  #take(lines: readonly ForwardedLine[]): Exclude<PlanEnd, 'broken'> | undefined {
    if (this.#desk.isClosed) return 'ended'
    for (const each of lines) {
      const end = each.line > this.#desk.line ? this.#intake.take(parseLine(each)) : undefined
      if (end !== undefined) return end
    }
    return undefined
  }

  #hear(silentMs: number): void {
    this.#silentMs = silentMs
    this.#heardAt = this.#context.clock.now()
    this.#watch()
  }

  #watch(): void {
    const { clock, isSteady } = this.#context
    this.#stopTimer()
    if (this.#isOver) return
    this.#stopTimer = clock.after(GONE_MS, () => {
      if (!isSteady()) return this.#watch()
      this.failure = { error: 'The server of its planner is gone' }
      this.end('broken')
    })
  }
}

function parseLine(line: ForwardedLine): PlanLine {
  return 'json' in line ? { ...line, value: parseJson(line.json) } : line
}
