export interface PlanLine {
  id: string
  tool: string
  dependsOn: string[]
  line: string
  tokens: number
}

export interface Plan {
  name: string
  family: string
  lines: PlanLine[]
  outputs: Record<string, unknown>
}

interface RecordedTask {
  id: string
  tool: string
  arguments: unknown
  dependsOn: string[]
}

export declare function listPlans(seed: number): Plan[]
export declare function areRecorded(plans: readonly Plan[]): boolean
export declare function toPlan(
  name: string,
  family: string,
  tasks: readonly RecordedTask[],
  reference: RegExp | undefined,
): Plan | undefined
export declare function computeArrivals(plan: Plan, tokensPerSecond: number): number[]
export declare function computeEager(
  plan: Plan,
  tokensPerSecond: number,
  toolMs: number,
): { writtenMs: number; waitMs: number; eagerMs: number }
