export { type RunnerCase, testRunner } from './runner-conformance.ts'
export type { CreateRunner } from './runner-rig.ts'
export { type SharedTestOptions, testDispatcher, testSharedStore } from './shared-conformance.ts'
export { type StoreCase, storeConformance, testStore } from './store-conformance.ts'
