export { type RunnerCase, testRunner } from './runner/runner-conformance.ts'
export type { CreateRunner } from './runner/runner-rig.ts'
export { type SharedTestOptions, testDispatcher, testSharedStore } from './shared-conformance.ts'
export { type StoreCase, type StoreTestOptions, storeConformance, testStore } from './store-conformance.ts'
