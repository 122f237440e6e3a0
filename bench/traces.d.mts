import type { WorkloadTask } from './shapes.mjs'

export interface Workload {
  name: string
  tasks: WorkloadTask[]
}

export declare function readTraces(path: string): Workload[]
