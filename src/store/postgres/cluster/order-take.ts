import type { AbortReason, AttemptCommand } from '../../../attempt/runner.ts'
import type { NumberedAnswer, TakenOrder } from '../../../cluster/order.ts'
import { parseJson } from '../../../json/parse-json.ts'
import type { Call } from '../connection/batch.ts'
import { toNumbers } from '../connection/parameters.ts'
import type { Database, Query, Row } from '../connection/database.ts'
import {
  COUNT_RUNNING,
  FIND_TAKEN,
  LIST_ANSWERED,
  LIST_CANDIDATES,
  LOCK_LIMITS,
  LOCK_OWNERS,
  LOCK_RATES,
  NOTE_TURNS,
  READ_TIME,
  SET_TOKENS,
  TAKE_ANSWERS,
  TAKE_CHOSEN,
  TAKE_FREELY,
} from '../sql/take.ts'
import { readKey } from './keys.ts'
import { OrderChoice } from './order-choice.ts'

/** A take whose orders others have locked, while more of them may wait, tries again at once, this often. */
const MAX_TRIES = 5

/** What a take asks for. */
export interface Asked {
  readonly workerId: string
  readonly free: number
  readonly ttlMs: number
  /** As `drawLease` gives it. */
  readonly leaseMs: number
}

/** Takes orders: in one statement where nothing bounds them, else in a transaction that locks the bounds. */
export class OrderTake {
  readonly #database: Database

  constructor(database: Database) {
    this.#database = database
  }

  /** @param free at least 1 */
  take(workerId: string, free: number, ttlMs: number): Promise<readonly TakenOrder[]> {
    const asked = { workerId, free, ttlMs, leaseMs: drawLease(ttlMs) }
    return this.#database.retry((query, isRetry) => this.run(query, isRetry, asked))
  }

  /** @param isRetry whether an earlier take for the same may have taken effect */
  async run(query: Query, isRetry: boolean, asked: Asked): Promise<readonly TakenOrder[]> {
    const found = isRetry ? await query(FIND_TAKEN, [asked.workerId, asked.leaseMs]) : []
    if (found.length > 0) return found.map(toStart)
    const { statement, values } = toTake(asked)
    return this.complete(query, await query(statement, values), asked)
  }

  /** Ends a take that has begun. @param first rows of its first statement */
  async complete(query: Query, first: readonly Row[], asked: Asked): Promise<readonly TakenOrder[]> {
    const { workerId, free, ttlMs } = asked
    const taken: TakenOrder[] = []
    for (let rows = first, tries = 1; ; tries++) {
      const left = free - taken.length
      if (rows[0]?.['is_bound'] === true) {
        if (taken.length > 0) return taken
        return this.#database.transaction(locked => takeWithin(locked, workerId, free, ttlMs))
      }
      taken.push(...rows.filter(({ command }) => command !== null).map(toStart))
      // Otherwise it has seen all orders that wait: the rest of them is being taken by others.
      const hasMore = (rows[0]?.['found'] as number) >= depthOf(left)
      if (taken.length === free || !hasMore || tries === MAX_TRIES) return taken
      const { statement, values } = toTake({ ...asked, free: free - taken.length })
      rows = await query(statement, values)
    }
  }
}

/** A duration of a take's own, by which it finds what it has taken if an answer is lost. */
export function drawLease(ttlMs: number): number {
  return ttlMs + Math.random()
}

/** The statement of a take that nothing bounds. */
export function toTake({ workerId, free, leaseMs }: Asked): Call {
  return { statement: TAKE_FREELY, values: [workerId, depthOf(free), leaseMs, free] }
}

/** Orders of a group that a take looks at: others may have locked some. */
function depthOf(free: number): number {
  return 2 * free + 16
}

/**
 * Takes within limits, rates and the maximum per owner. Their rows are locked first; the counts are read by later statements, whose
 * snapshots hold everything that an earlier holder of the locks has committed. So no take exceeds a bound.
 */
async function takeWithin(query: Query, workerId: string, free: number, ttlMs: number): Promise<readonly TakenOrder[]> {
  const limits = await query(LOCK_LIMITS, [workerId])
  const rates = await query(LOCK_RATES, [workerId])
  const [owners] = await query(LOCK_OWNERS)
  const maxPerOwner = (owners?.['value'] as number | undefined) ?? Infinity
  const keys = limits.map(({ key }) => key)
  const running = await query(COUNT_RUNNING, [keys, maxPerOwner < Infinity])
  const [time] = await query(READ_TIME)
  const choice = new OrderChoice({ limits, rates, running, maxPerOwner, now: time?.['now'] as number })

  const answered = (await query(LIST_ANSWERED, [workerId])).filter(row => choice.goesOn(row, free))
  if (answered.length > 0) await query(TAKE_ANSWERS, [toNumbers(answered.map(readNumber))])
  const taken: TakenOrder[] = answered.map(row => ({ kind: 'answer', key: readKey(row), answers: readAnswers(row) }))

  const chosen = choice.choose(await query(LIST_CANDIDATES, [workerId, free]), free - taken.length)
  if (chosen.length === 0) return taken
  const rows = await query(TAKE_CHOSEN, [workerId, toNumbers(chosen.map(readNumber)), ttlMs])
  const place = new Map(chosen.map(({ number }, at) => [number, at]))
  const begun = rows.toSorted((a, b) => (place.get(a['number']) ?? 0) - (place.get(b['number']) ?? 0))
  const buckets = choice.spend(begun.map(({ tool }) => tool as string))
  if (buckets.size > 0) await query(SET_TOKENS, [[...buckets.keys()], [...buckets.values()], choice.now])
  await query(NOTE_TURNS, [begun.map(({ owner }) => owner)])
  return [...taken, ...begun.map(toStart)]
}

export function toStart({ command, cancelled }: Row): TakenOrder {
  return {
    kind: 'start',
    command: parseJson(command as string) as AttemptCommand,
    ...(typeof cancelled === 'string' && { cancelled: JSON.parse(cancelled) as AbortReason }),
  }
}

function readNumber({ number }: Row): string {
  return number as string
}

function readAnswers(row: Row): readonly NumberedAnswer[] {
  return (row['answers'] as readonly string[]).map(json => parseJson(json) as NumberedAnswer)
}
