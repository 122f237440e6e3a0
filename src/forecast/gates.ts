import type { RegisteredTool } from '../tools/registry.ts'

/** Something that bounds how many nodes run at once, or how often they begin. */
export interface FlatGate {
  readonly size?: number
  readonly rate?: { readonly max: number; readonly perMs: number }
}

/** The gates of tools: a limit may be shared by tools; a rate is that of one tool. */
export class ToolGates {
  readonly #gates = new Map<object, FlatGate>()

  of({ limit, rate }: RegisteredTool): readonly FlatGate[] {
    const gates: FlatGate[] = []
    for (const [key, gate] of [
      [limit, limit && { size: limit.size }],
      [rate, rate && { rate }],
    ] as const) {
      if (key === undefined || gate === undefined) continue
      const known = this.#gates.get(key) ?? gate
      this.#gates.set(key, known)
      gates.push(known)
    }
    return gates
  }
}
