// Imported by `printing-tools.mjs`: prints while it is loaded.
console.log('noise: imported')
export const kept = process.stdout
