mod amount;
mod outcome;
mod read;
