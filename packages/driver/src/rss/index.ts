export { planRss, type RssPlan, spreadEvenly } from './plan.js';
export { toeplitz, VERIFICATION_KEY } from './toeplitz.js';
