#!/bin/bash
# Trains varied32 on two nodes of eight GPUs: sbatch train/docker/slurm.sh
# A job that runs into its limit is told so two minutes before, saves, and is put into the queue again.
#SBATCH --job-name=cin_style
#SBATCH --nodes=2
#SBATCH --ntasks-per-node=1
#SBATCH --gpus-per-node=8
#SBATCH --cpus-per-task=32
#SBATCH --time=01:00:00
#SBATCH --signal=TERM@120
#SBATCH --requeue
export KERAS_BACKEND=jax
srun cin-style train --flagfile=train/recipes/varied32.txt --devices=auto --hosts=auto \
  --batch_size=16 --output="$HOME/runs/varied32"
code=$?
if [ "$code" -eq 75 ]; then # told to end, and saved
  scontrol requeue "$SLURM_JOB_ID"
fi
exit "$code"
