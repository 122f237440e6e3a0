export interface WorkloadTask {
  id: string
  durationMs: number
  dependsOn: string[]
}

export declare const SHAPES: readonly string[]
export declare function createShape(shape: string, taskCount: number, seed: number): WorkloadTask[]
