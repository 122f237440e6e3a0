import type { WorkloadTask } from './shapes.mjs'

export declare function computeCriticalPath(tasks: readonly WorkloadTask[]): number
export declare function computeLayerCount(tasks: readonly WorkloadTask[]): number
export declare function computeWork(tasks: readonly WorkloadTask[]): number
export declare function computeMakespan(
  tasks: readonly WorkloadTask[],
  schedule: 'layers' | 'dataflow',
  slots: number,
): number
export declare function scaleWorkload(tasks: readonly WorkloadTask[], criticalPathMs: number): WorkloadTask[]
