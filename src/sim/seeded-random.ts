/** The simulator's chance is that of the lab; it stands in base, where both may take it from. */
export { SeededRandom } from '../base/seeded-random.ts';
