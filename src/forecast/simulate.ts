import { ReadyQueue } from '../scheduler/ready-queue.ts'
import type { FlatGate, FlatNode } from './flat-plan.ts'

/** Differences of time that rounding causes, ms. */
const TOLERANCE_MS = 1e-6

/** The ready nodes that need the same gates. */
interface Line {
  readonly gates: readonly GateState[]
  readonly ready: ReadyQueue
}

interface GateState {
  readonly size: number
  /** Time between two tokens of a rate, ms; 0 without a rate. */
  readonly intervalMs: number
  readonly burstMs: number
  running: number
  /** When the bucket of the rate will be full again. */
  fullAt: number
}

/** A graph that is simulated any number of times. */
export class Simulation {
  readonly #nodes: readonly FlatNode[]
  readonly #dependents: readonly (readonly number[])[]
  readonly #maxConcurrency: number
  /** The position of each node among all, by preference, and the inverse. */
  readonly #ranks: readonly number[]
  readonly #order: readonly number[]

  /** @param order nodes by preference */
  constructor(nodes: readonly FlatNode[], order: readonly number[], maxConcurrency: number) {
    this.#nodes = nodes
    this.#maxConcurrency = maxConcurrency
    this.#order = order
    const ranks = new Array<number>(nodes.length).fill(0)
    for (const [rank, node] of order.entries()) ranks[node] = rank
    this.#ranks = ranks
    const dependents = nodes.map((): number[] => [])
    for (const [index, { dependencies }] of nodes.entries()) {
      for (const dependency of dependencies) (dependents[dependency] as number[]).push(index)
    }
    this.#dependents = dependents
  }

  /** The makespan, ms. @param timeOf the duration of a call, ms */
  run(timeOf: (node: number) => number): number {
    const nodes = this.#nodes
    const missing = nodes.map(({ dependencies }) => dependencies.length)
    const lines = new Lines()
    const ends = new EndQueue()
    let now = 0
    let slots = this.#maxConcurrency
    const makeReady = (index: number): void => {
      const node = nodes[index] as FlatNode
      if (node.samples === undefined) ends.add(now + node.delayMs, index)
      else lines.of(node.gates).ready.add(this.#ranks[index] as number)
    }
    for (let index = 0; index < nodes.length; index++) if (missing[index] === 0) makeReady(index)
    for (;;) {
      while (slots > 0) {
        const line = lines.findStart(now)
        if (line === undefined) break
        const index = this.#order[line.ready.take() as number] as number
        for (const gate of line.gates) enter(gate, now)
        slots -= 1
        ends.add(now + timeOf(index), index)
      }
      const token = slots > 0 ? lines.nextTokenAt(now) : Number.POSITIVE_INFINITY
      if (token < ends.firstAt) {
        now = token
        continue
      }
      const end = ends.take()
      if (end === undefined) return now
      now = end.at
      const { samples, gates } = nodes[end.node] as FlatNode
      if (samples !== undefined) {
        slots += 1
        for (const gate of lines.of(gates).gates) gate.running -= 1
      }
      for (const dependent of this.#dependents[end.node] as readonly number[]) {
        const left = (missing[dependent] as number) - 1
        missing[dependent] = left
        if (left === 0) makeReady(dependent)
      }
    }
  }
}

function enter(gate: GateState, now: number): void {
  gate.running += 1
  if (gate.intervalMs > 0) gate.fullAt = Math.max(now, gate.fullAt) + gate.intervalMs
}

class Lines {
  readonly #lines = new Map<string, Line>()
  readonly #states = new Map<FlatGate, { readonly id: number; readonly state: GateState }>()
  readonly #lineOf = new Map<readonly FlatGate[], Line>()

  of(gates: readonly FlatGate[]): Line {
    let line = this.#lineOf.get(gates)
    if (line !== undefined) return line
    const states = gates.map(gate => this.#stateOf(gate))
    const key = states.map(({ id }) => id).join()
    line = this.#lines.get(key) ?? { gates: states.map(({ state }) => state), ready: new ReadyQueue() }
    this.#lines.set(key, line)
    this.#lineOf.set(gates, line)
    return line
  }

  /** The line of the best node that can begin now. */
  findStart(now: number): Line | undefined {
    let best: Line | undefined
    for (const line of this.#lines.values()) {
      const { first } = line.ready
      if (first === undefined || first > (best?.ready.first ?? Number.POSITIVE_INFINITY)) continue
      if (line.gates.every(gate => gate.running < gate.size && tokenAt(gate) - now <= TOLERANCE_MS)) best = line
    }
    return best
  }

  /** When the next node can begin that now only waits for a token. */
  nextTokenAt(now: number): number {
    let next = Number.POSITIVE_INFINITY
    for (const { gates, ready } of this.#lines.values()) {
      if (ready.size === 0 || gates.some(gate => gate.running >= gate.size)) continue
      next = Math.min(
        next,
        gates.reduce((at, gate) => Math.max(at, tokenAt(gate)), now),
      )
    }
    return next
  }

  #stateOf(gate: FlatGate): { readonly id: number; readonly state: GateState } {
    const known = this.#states.get(gate)
    if (known !== undefined) return known
    const { size = Number.POSITIVE_INFINITY, rate } = gate
    const intervalMs = rate === undefined ? 0 : rate.perMs / rate.max
    const burstMs = rate === undefined ? 0 : intervalMs * (rate.max - 1)
    const state = { size, intervalMs, burstMs, running: 0, fullAt: Number.NEGATIVE_INFINITY }
    const made = { id: this.#states.size, state }
    this.#states.set(gate, made)
    return made
  }
}

function tokenAt({ intervalMs, fullAt, burstMs }: GateState): number {
  return intervalMs === 0 ? Number.NEGATIVE_INFINITY : fullAt - burstMs
}

/** The nodes that run, the one that ends first in front: a binary heap. */
class EndQueue {
  readonly #heap: { readonly at: number; readonly node: number }[] = []

  get firstAt(): number {
    return this.#heap[0]?.at ?? Number.POSITIVE_INFINITY
  }

  add(at: number, node: number): void {
    const heap = this.#heap
    let place = heap.length
    const added = { at, node }
    heap.push(added)
    while (place > 0) {
      const parent = (place - 1) >> 1
      const above = heap[parent] as typeof added
      if (above.at <= at) break
      heap[place] = above
      place = parent
    }
    heap[place] = added
  }

  take(): { readonly at: number; readonly node: number } | undefined {
    const heap = this.#heap
    const first = heap[0]
    const last = heap.pop()
    if (last === undefined || heap.length === 0) return first
    let place = 0
    for (let child = 1; child < heap.length; child = 2 * place + 1) {
      const right = heap[child + 1]
      if (right !== undefined && right.at < (heap[child] as typeof last).at) child += 1
      const below = heap[child] as typeof last
      if (below.at >= last.at) break
      heap[place] = below
      place = child
    }
    heap[place] = last
    return first
  }
}
