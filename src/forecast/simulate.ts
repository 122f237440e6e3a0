import { ReadyQueue } from '../scheduler/ready-queue.ts'
import type { FlatNode } from './flat-plan.ts'
import type { FlatGate } from './gates.ts'

/** Differences of time that rounding causes, ms. */
const TOLERANCE_MS = 1e-6

/** The ready nodes that need the same gates. */
interface Line {
  readonly gates: readonly GateState[]
  /** Whether its nodes hold a slot. */
  readonly areCalls: boolean
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
  readonly #dependencyCounts: Int32Array
  readonly #maxConcurrency: number
  /** The position of each node among all, by preference, and the inverse. */
  readonly #ranks: Int32Array
  readonly #order: readonly number[]
  /** Of each node, and each once. */
  readonly #lineOf: readonly Line[]
  readonly #lines: readonly Line[]

  /** @param order nodes by preference */
  constructor(nodes: readonly FlatNode[], order: readonly number[], maxConcurrency: number) {
    this.#nodes = nodes
    this.#maxConcurrency = maxConcurrency
    this.#order = order
    this.#ranks = new Int32Array(nodes.length)
    for (let rank = 0; rank < order.length; rank++) this.#ranks[order[rank] as number] = rank
    const dependents = nodes.map((): number[] => [])
    this.#dependencyCounts = new Int32Array(nodes.length)
    for (const [index, { dependencies }] of nodes.entries()) {
      this.#dependencyCounts[index] = dependencies.length
      for (const dependency of dependencies) (dependents[dependency] as number[]).push(index)
    }
    this.#dependents = dependents
    const lines = new Lines()
    this.#lineOf = nodes.map(({ gates, samples }) => lines.of(gates, samples !== undefined))
    this.#lines = lines.all
  }

  /**
   * The makespan, ms.
   * @param shareOf the share of the samples of a call at which its duration is
   */
  run(shareOf: (node: number) => number): number {
    const nodes = this.#nodes
    const missing = this.#dependencyCounts.slice()
    const ends = new EndQueue()
    for (const { gates } of this.#lines) for (const gate of gates) reset(gate)
    let now = 0
    let slots = this.#maxConcurrency
    const makeReady = (index: number): void => {
      const node = nodes[index] as FlatNode
      if (node.samples === undefined && node.hold !== 'enter') ends.add(now + node.delayMs, index)
      else (this.#lineOf[index] as Line).ready.add(this.#ranks[index] as number)
    }
    for (let index = 0; index < nodes.length; index++) if (missing[index] === 0) makeReady(index)
    for (;;) {
      for (let line = this.#findStart(now, slots); line !== undefined; line = this.#findStart(now, slots)) {
        const index = this.#order[line.ready.take() as number] as number
        for (const gate of line.gates) enter(gate, now)
        if (line.areCalls) slots -= 1
        const { samples } = nodes[index] as FlatNode
        ends.add(now + (samples?.timeAt(shareOf(index)) ?? 0), index)
      }
      const token = slots > 0 ? this.#nextTokenAt(now) : Number.POSITIVE_INFINITY
      if (token < ends.firstAt) {
        now = token
        continue
      }
      const end = ends.take()
      if (end === undefined) return now
      now = end.at
      const node = end.node < 0 ? ~end.node : end.node
      const { samples, hold } = nodes[node] as FlatNode
      if (hold === 'exit') this.#leaveGates(node)
      if (samples !== undefined && end.node >= 0) {
        slots += 1
        this.#leaveGates(node)
        // In the delays between its attempts a call holds no slot: here, all of them come after its attempts.
        const pauseMs = samples.pauseAt(shareOf(node))
        if (pauseMs > 0) {
          ends.add(now + pauseMs, ~node)
          continue
        }
      }
      for (const dependent of this.#dependents[node] as readonly number[]) {
        const left = (missing[dependent] as number) - 1
        missing[dependent] = left
        if (left === 0) makeReady(dependent)
      }
    }
  }

  #leaveGates(node: number): void {
    for (const gate of (this.#lineOf[node] as Line).gates) gate.running -= 1
  }

  /** The line of the best node that can begin now. @param slots number of free ones */
  #findStart(now: number, slots: number): Line | undefined {
    let best: Line | undefined
    for (const line of this.#lines) {
      if (slots <= 0 && line.areCalls) continue
      const { first } = line.ready
      if (first === undefined || first > (best?.ready.first ?? Number.POSITIVE_INFINITY)) continue
      if (line.gates.every(gate => gate.running < gate.size && tokenAt(gate) - now <= TOLERANCE_MS)) best = line
    }
    return best
  }

  /** When the next node can begin that now only waits for a token. */
  #nextTokenAt(now: number): number {
    let next = Number.POSITIVE_INFINITY
    for (const { gates, ready } of this.#lines) {
      if (ready.size === 0 || gates.some(gate => gate.running >= gate.size)) continue
      next = Math.min(
        next,
        gates.reduce((at, gate) => Math.max(at, tokenAt(gate)), now),
      )
    }
    return next
  }
}

function enter(gate: GateState, now: number): void {
  gate.running += 1
  if (gate.intervalMs > 0) gate.fullAt = Math.max(now, gate.fullAt) + gate.intervalMs
}

function reset(gate: GateState): void {
  gate.running = 0
  gate.fullAt = Number.NEGATIVE_INFINITY
}

/** The lines of a graph: nodes that need the same gates share one. */
class Lines {
  readonly #lines = new Map<string, Line>()
  readonly #states = new Map<FlatGate, { readonly id: number; readonly state: GateState }>()

  get all(): readonly Line[] {
    return [...this.#lines.values()]
  }

  of(gates: readonly FlatGate[], areCalls: boolean): Line {
    const states = gates.map(gate => this.#stateOf(gate))
    const key = `${areCalls}${states.map(({ id }) => id).join()}`
    const line = this.#lines.get(key) ?? { gates: states.map(({ state }) => state), areCalls, ready: new ReadyQueue() }
    this.#lines.set(key, line)
    return line
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
