export { type StoreCase, storeConformance, testStore } from './store-conformance.ts'
