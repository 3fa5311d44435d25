export { type CalibrateOptions, calibrate } from './calibrate.ts';
export {
  type CalibrationMethod,
  calibrationMethods,
  makeObserver,
  type Observer,
  type Range,
  type Target,
} from './observer.ts';
