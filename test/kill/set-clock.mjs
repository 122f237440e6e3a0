// Loaded before a server: its wall clock is off by `CLOCK_SHIFT_MS`.
const { now } = Date
const shift = Number(process.env.CLOCK_SHIFT_MS)
Date.now = () => now() + shift
