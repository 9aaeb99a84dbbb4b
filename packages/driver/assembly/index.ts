export { nullRxBurst, nullRxRelease, nullTxBurst, nullTxReserve } from './null';
export {
  xskFillWaiting,
  xskMaintain,
  xskRxBurst,
  xskRxRelease,
  xskRxWaiting,
  xskTxBurst,
  xskTxReserve,
  xskTxWaiting,
} from './xsk';
